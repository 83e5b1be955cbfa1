/* [CALL] a [HEAD] f() [END][CALL] b [HEAD] g() [END][CALL] c [HEAD] h() [END][TRAP] all [END] done */
#define CALLS     3
#define SYMBOLS   19
#define SILENT    0
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  0
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, TRAP, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, EVERY, 0 }
#define NEEDS     { 0, 0, 0 }

#include "../cml.pml"
