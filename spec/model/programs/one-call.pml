/* [CALL] a [HEAD] f() [END] on we go */
#define CALLS     1
#define SYMBOLS   6
#define SILENT    0
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  0
#define WORKERS   0
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT }
#define DETAIL    { 0, 0, 0, 0, 0, 0 }
#define NEEDS     { 0 }

#include "../cml.pml"
