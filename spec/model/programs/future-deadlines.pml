/* [CALL] a [HEAD] f() [END][CALL] b [HEAD] g(x=a) [END][TRAP] all [END] done */
#define CALLS     2
#define SYMBOLS   14
#define SILENT    0
#define DEADLINES 1
#define FAILURES  1
#define MESSAGES  0
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, TRAP, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, EVERY, 0 }
#define NEEDS     { 0, 1 }

#include "../cml.pml"
