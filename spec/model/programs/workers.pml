/* [CALL] a [HEAD] f() [END][CALL] b [HEAD] g() [END][CALL] c [HEAD] h(a) [END][CALL] k() [END] x */
#define CALLS     4
#define SYMBOLS   19
#define SILENT    8
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  0
#define WORKERS   1
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, CALL, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 3, 0 }
#define NEEDS     { 0, 0, 1, 0 }

#include "../cml.pml"
