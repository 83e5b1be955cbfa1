/* [CALL] a [HEAD] f() [END][CALL] b [HEAD] g(x=a) [END][CALL] c [HEAD] h([a, b]) [END] x [TRAP] c [END] done */
#define CALLS     3
#define SYMBOLS   20
#define SILENT    0
#define DEADLINES 0
#define FAILURES  1
#define MESSAGES  0
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, OPEN, INSIDE, TRAP, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0 }
#define NEEDS     { 0, 1, 3 }

#include "../cml.pml"
