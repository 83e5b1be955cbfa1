/* [TRAP][END][CALL] a [HEAD] f() [END] x [TRAP] a [END] y [TRAP] all [END] */
#define CALLS     1
#define SYMBOLS   15
#define SILENT    0
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  0
#define WORKERS   0
#define SCRIPT    { OPEN, TRAP, OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, OPEN, INSIDE, TRAP, TEXT, OPEN, INSIDE, TRAP }
#define DETAIL    { 0, NEXT, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, EVERY }
#define NEEDS     { 0 }

#include "../cml.pml"
