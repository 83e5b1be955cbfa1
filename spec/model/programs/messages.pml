/* [CALL] a [HEAD] f() [END][CALL] b [HEAD] g() [END] x [TRAP] a [END] y */
#define CALLS     2
#define SYMBOLS   15
#define SILENT    0
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  2
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, OPEN, INSIDE, TRAP, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0 }
#define NEEDS     { 0, 0 }

#include "../cml.pml"
