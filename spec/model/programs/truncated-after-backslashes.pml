/* [CALL] a [HEAD] f() [END]x\\[CALL] b [HEAD] g( */
#define CALLS     1
#define SYMBOLS   10
#define SILENT    0
#define DEADLINES 0
#define FAILURES  0
#define MESSAGES  1
#define WORKERS   0
#define ERRORS    1
#define SCRIPT    { OPEN, INSIDE, INSIDE, INSIDE, CALL, TEXT, OPEN, INSIDE, INSIDE, INSIDE }
#define DETAIL    { 0, 0, 0, 0, 0, 2, 0, 0, 0, 0 }
#define NEEDS     { 0 }

#include "../cml.pml"
