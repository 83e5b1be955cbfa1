/* [CALL] a [HEAD] f() [END] x [CALL] b [HEAD] g() [END][TRAP][END] y */
#define CALLS     2
#define SYMBOLS   14
#define SILENT    0
#define DEADLINES 1
#define FAILURES  0
#define MESSAGES  0
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, TRAP, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, NEXT, 0 }
#define NEEDS     { 0, 0 }

#include "../cml.pml"
