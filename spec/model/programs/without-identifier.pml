/* [CALL] f() [END][TRAP][END][CALL] a [HEAD] g() [END] bye */
#define CALLS     2
#define SYMBOLS   11
#define SILENT    1
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  1
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, CALL, OPEN, TRAP, OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT }
#define DETAIL    { 0, 0, 0, 0, NEXT, 0, 0, 0, 0, 1, 0 }
#define NEEDS     { 0, 0 }

#include "../cml.pml"
