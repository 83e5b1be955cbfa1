/* [CALL] a [HEAD] f() [END] [CALL] b [HEAD] f() [END] x <think> [TRAP][END] */
#define CALLS     2
#define SYMBOLS   13
#define SILENT    0
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  1
#define WORKERS   0
#define UNCLOSED  1
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0 }
#define NEEDS     { 0, 0 }

#include "../cml.pml"
