/* [CALL] a [HEAD] f() [END] x [CALL] b [HEAD] g() [END] y [TRAP][END] z */
#define CALLS     2
#define SYMBOLS   15
#define SILENT    0
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  0
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, OPEN, TRAP, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, NEXT, 0 }
#define NEEDS     { 0, 0 }

#include "../cml.pml"
