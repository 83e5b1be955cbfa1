/* A second witness of chapter 3: the rules once more, for bounded programs, in Promela.
 *
 * Written from the text of the specification, not from the interpreter. README.md says how to run
 * it and what it leaves out. Each file of programs/ says what is written, and includes this one.
 *
 * Sets of calls are bit masks: call k is bit k; message n is bit CALLS + n.
 */

/* Symbols of a script. The detail of CALL is the number of the call, that of a TRAP what it waits
 * for: NEXT, EVERY or a mask of calls; that of TEXT how many backslashes it ends with; that
 * of FAULT, a block that is answered as an error, how many calls stand before it. */
#define TEXT   0
#define OPEN   1
#define INSIDE 2
#define CALL   3
#define TRAP   4
#define FAULT  5
#define NEXT   0
#define EVERY  255

#ifndef UNCLOSED
#define UNCLOSED 0                    /* whether the last symbol opens a region that nothing closes */
#endif

byte script[SYMBOLS] = SCRIPT;
byte detail[SYMBOLS] = DETAIL;
byte needs[CALLS] = NEEDS;            /* the calls that each one names */

#ifndef ERRORS
#define ERRORS 0
#endif
#define QUEUE  (2 * (CALLS + MESSAGES) + ERRORS + 1)
#define BIT(k) (1 << (k))
#define is_message(id) ((id) >= CALLS && (id) < CALLS + MESSAGES)
#define is_error(id)   ((id) >= CALLS + MESSAGES)

/* ---------------------------------------------------------------------------------- state */
mtype = { decoding, trapped, ending, ended };

mtype phase = decoding;               /* Step/begin has fired */
bool settled;                         /* the Settle rules were tried since the last event */
bool asked;                           /* a Decode is outstanding */
bool boundary = true;                 /* nothing was decoded past the last symbol, no region is open */
bool block;                           /* inside a critical section */
byte at;                              /* symbols that were decoded */
bool prose;                           /* the context, or what is before the block, ends with prose */
byte slashes;                         /* and that with so many backslashes */
byte errors;                          /* errors so far, and how many calls stand before each */
byte before[ERRORS + 1];
byte wait;                            /* what a trap waits for */
bool interrupted, messaged;
byte waiting, running, over, good;    /* calls by status; those settled ones that returned */
byte queue[QUEUE], queued;            /* interrupts to come, in order */
byte queue_set;                       /* the same as a set */
byte fresh;                           /* so many at its end are results of this moment */

#define pending ((waiting | running) & ~SILENT)
#define coming  (pending | queue_set)

/* What surrounds the machine, and what only the properties look at. */
byte executing;                       /* functions that have not come back */
byte deadlines;                       /* deadlines that have not come */
byte messages;                        /* messages that were sent */
byte completed, answered;             /* calls with identifier: written, and told of */
bool unheard;                         /* interrupts went in, and nothing was decoded since */
byte watched;                         /* one call, any: what holds of it holds of all */
byte k, i, found, busy;               /* for loops */

/* What can be observed, as the test reads it. */
#define WAKES    1
#define FINISHES 2
#define DELIVERS 3
#define SLASHES  8
#define STARTS   16
#define RETURNED 32
#define FAILED   48
#define SAID     64
#define ERROR    80
#ifdef OBSERVE
byte history[64], notes;
#define note(code) history[notes] = code; notes++
#else
#define note(code) skip
#endif

#include "rules.pml"

/* --------------------------------------------------------------- what can happen, and when */

/* Events of one moment come one after another before the machine settles: so this is a process
 * like the others, and an event may come before it. */
proctype Machine() {
end: do
    :: atomic { !settled -> do :: !settled -> settle_one() :: else -> break od }
    od
}

proctype Model() {
end: do
    :: atomic {
        asked -> if :: at < SYMBOLS -> take_symbol() :: else -> take_end() fi;
        settled = false
    }
    od
}

proctype Function(byte id) {
end: do
    :: atomic {
        executing & BIT(id) ->
        if
        :: take_return(id, true)
        :: FAILURES && (running & BIT(id)) -> take_return(id, false)
        fi;
        settled = false
    }
    od
}

proctype Deadline(byte id) {
end: do
    :: atomic { deadlines & BIT(id) -> take_deadline(id); settled = false }
    od
}

proctype Person() {
end: do
    :: atomic {
        messages < MESSAGES && phase != ended ->
        put(CALLS + messages); messages++; settled = false
    }
    od
}

init {
    byte call;
    atomic {
        run Machine(); run Model(); run Person();
        do
        :: call < CALLS -> run Function(call); run Deadline(call); call++
        :: else -> break
        od;
#ifdef WATCH
        do                            /* the first property watches any one call */
        :: call > 1 -> call--
        :: watched = BIT(call - 1); break
        od;
#endif
        call = 0
    }
}

ltl every_call_is_answered { [] ((completed & watched) -> <> (answered & watched)) }
ltl a_trapped_session_wakes { [] ((phase == trapped) -> <> (phase != trapped)) }
ltl the_run_ends { <> (phase == ended) }
