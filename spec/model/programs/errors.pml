/* [CALL] a [HEAD] f() [END][CALL] g( [END][TRAP] all [END][CALL] b [HEAD] f() [END][CALL] g( [END][TRAP][END] x */
#define CALLS     2
#define SYMBOLS   22
#define SILENT    0
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  0
#define ERRORS    2
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, FAULT, OPEN, INSIDE, TRAP, OPEN, INSIDE, INSIDE, INSIDE, CALL, OPEN, INSIDE, FAULT, OPEN, TRAP, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, EVERY, 0, 0, 0, 0, 1, 0, 0, 2, 0, NEXT, 0 }
#define NEEDS     { 0, 0 }

#include "../cml.pml"
