/* The rules of chapter 3: how the state of cml.pml, which includes this file, changes. */

/* ------------------------------------------------------------------- changes of the state */

/* The queue is sorted: messages first, then by moment, then by the order of writing. */
#define place(id) (is_error(id) -> 2 * before[(id) - CALLS - MESSAGES] : 2 * (id) + 1)

inline put(id) {
    i = queued;
    do
    :: i > 0 && !is_message(queue[i - 1]) && is_message(id) ->
        queue[i] = queue[i - 1]; i--
    :: i > 0 && !is_message(id) && queued - i < fresh && place(queue[i - 1]) > place(id) ->
        queue[i] = queue[i - 1]; i--
    :: else -> break
    od;
    queue[i] = id; i = 0;
    queued++;
    if :: is_message(id) -> skip :: else -> fresh++ fi;
    queue_set = queue_set | BIT(id)
}

inline settle_call(id, returned) {
    waiting = waiting & ~BIT(id);
    running = running & ~BIT(id);
    over = over | BIT(id);
    if :: returned -> good = good | BIT(id) :: else -> skip fi;
    if :: BIT(id) & SILENT -> skip :: else -> put(id) fi
}

/* ------------------------------------------------------------------------------ Step rules */

inline take_symbol() {
    asked = false;
#ifdef PIECES
    if :: at + 1 < SYMBOLS -> boundary = false :: boundary = true fi;
#endif
    if :: UNCLOSED && at + 1 == SYMBOLS -> boundary = false :: else fi;
    if
    :: script[at] == TEXT -> prose = true; slashes = detail[at]   /* Step/text */
    :: script[at] == INSIDE -> skip                               /* Step/inside */
    :: script[at] == OPEN ->                                      /* Step/open */
        block = true
#ifdef FAULT_FORGET_THE_BACKSLASHES
        ; slashes = 0
#endif
    :: script[at] == CALL ->                                      /* Step/call */
        block = false; prose = false; slashes = 0;
        waiting = waiting | BIT(detail[at]);
        completed = completed | (BIT(detail[at]) & ~SILENT)
    :: script[at] == FAULT ->                                     /* Step/malformed, Step/refused */
        block = false; prose = false; slashes = 0;
        before[errors] = detail[at];
        put(CALLS + MESSAGES + errors);
        errors++
    :: script[at] == TRAP ->
        block = false; prose = false; slashes = 0;
        if
#ifdef FAULT_TRAP_FOR_EVER
        :: true ->
#else
        :: coming && (detail[at] == NEXT || detail[at] == EVERY || (coming & detail[at])) ->
#endif
            phase = trapped; wait = detail[at];                   /* Step/trap */
            interrupted = false; messaged = false; boundary = true
        :: else -> skip                                           /* Step/idle-trap */
        fi
    fi;
    at++
}

inline take_end() {
    asked = false; boundary = !UNCLOSED; phase = ending;
    if
    :: block ->                                           /* Step/truncated, of itself */
        block = false;
        before[errors] = CALLS;                           /* all calls of a script are written */
        put(CALLS + MESSAGES + errors);
        errors++
    :: else -> skip                                       /* Step/end */
    fi
}

inline take_return(id, returned) {
    executing = executing & ~BIT(id);
    if
    :: running & BIT(id) -> settle_call(id, returned)             /* Step/return */
#ifdef FAULT_SHOW_LATE
    :: else -> put(id)
#else
    :: else -> skip                                               /* Step/late */
#endif
    fi
}

inline take_deadline(id) {
    deadlines = deadlines & ~BIT(id);
    if
    :: running & BIT(id) -> settle_call(id, false)                /* Step/timeout */
    :: else -> skip                                               /* Step/met */
    fi
}

/* ---------------------------------------------------------------------------- Settle rules */

/* Sets `found` to the first waiting call that names one which ended without a result. */
inline find_failed() {
    found = CALLS; k = CALLS;
    do
    :: k > 0 -> k--; if :: (waiting & BIT(k)) && (needs[k] & over & ~good) -> found = k :: else fi
    :: else -> break
    od
}

/* Sets `found` to the first waiting call whose results are all there, if a worker is free. */
inline find_ready() {
    found = CALLS; k = CALLS; busy = 0;
    do
    :: k > 0 ->
        k--;
        if :: running & BIT(k) -> busy++ :: else fi;
#ifdef FAULT_START_EARLY
        if :: waiting & BIT(k) -> found = k :: else fi
#else
        if :: (waiting & BIT(k)) && !(needs[k] & ~good) -> found = k :: else fi
#endif
    :: else -> break
    od;
    if :: WORKERS && busy >= WORKERS -> found = CALLS :: else fi;
    busy = 0
}

inline start(id) {
    assert(!(needs[id] & ~good));                     /* dependency order */
    assert(!(executing & BIT(id)) && !(over & BIT(id)));
    waiting = waiting & ~BIT(id);
    running = running | BIT(id);
    executing = executing | BIT(id);
    if :: DEADLINES -> deadlines = deadlines | BIT(id) :: else fi;
    note(STARTS + id)
}

inline tell(id) {
    if
    :: is_message(id) -> messaged = true; note(SAID + id - CALLS)
    :: is_error(id) -> note(ERROR + id - CALLS - MESSAGES)
    :: else ->
        assert(completed & BIT(id));                  /* nothing from nothing */
        assert(!(answered & BIT(id)));                /* at most one answer */
        answered = answered | BIT(id);
        if :: good & BIT(id) -> note(RETURNED + id) :: else -> note(FAILED + id) fi
    fi
}

/* Sets `found` to the backslashes that the context ends with, by its text: those of the last text,
 * if nothing went in after it; what was taken back does not count. */
inline find_slashes() {
    found = 0; k = at;
    do
    :: prose && script[k - 1] != TEXT -> k--
    :: else -> break
    od;
    if :: prose -> found = detail[k - 1] :: else -> skip fi
}

inline deliver() {
    assert(!block && !asked && boundary);             /* safety of delivery */
    find_slashes();
    assert(slashes == found);                         /* the interrupt is read as one */
    note(DELIVERS);
    if :: slashes -> note(SLASHES + slashes) :: else -> skip fi;
#ifdef FAULT_DROP_AN_INTERRUPT
    queued--; queue[queued] = 0;
#endif
    k = 0;
    do
    :: k < queued ->
        tell(queue[k]);
#ifdef FAULT_ANSWER_TWICE
        tell(queue[k]);
#endif
        queue[k] = 0; k++
    :: else -> break
    od;
    k = 0; queued = 0; queue_set = 0; fresh = 0; interrupted = true; unheard = true;
    prose = false; slashes = 0
}

inline finish() {
    assert(answered == completed);                    /* completeness */
    assert(!unheard);                                 /* the model goes on after every answer */
    end_turn()
}

inline end_turn() {
    phase = ended;
    note(FINISHES);
#ifdef OBSERVE
    printf("run");
    do :: k < notes -> printf(" %d", history[k]); k++ :: else -> break od;
    printf("\n"); k = 0
#endif
}

#ifdef FAULT_DELIVER_IN_A_BLOCK
#define safe_point (!asked && boundary)
#else
#ifdef FAULT_DELIVER_WHILE_DECODING
#define safe_point (!block && boundary)
#else
#define safe_point (!block && !asked && boundary)
#endif
#endif

#ifdef FAULT_LOSE_A_WAKE_UP
#define is_over (wait == EVERY && !pending)
#else
#define is_over ((wait == NEXT && interrupted) || (wait == EVERY && !pending) || \
                 (wait != NEXT && wait != EVERY && !(wait & pending)) || messaged)
#endif

#ifdef FAULT_FORGET_THE_IMPLICIT_TRAP
#define drains false
#else
#define drains (phase == ending && boundary && (queued || pending))
#endif

#ifdef FAULT_DRAIN_IN_A_REGION
#undef drains
#define drains (phase == ending && (queued || pending))
#endif

#define withholds (phase == ending && !boundary && (queued || waiting || running))

/* The first Settle rule that applies, in the order of the specification; `settled` if none does. */
inline settle_one() {
    find_failed();
    if
    :: found < CALLS -> settle_call(found, false)                                /* dependency */
    :: else ->
    find_ready();
    if
    :: found < CALLS -> start(found)                                                  /* start */
    :: else ->
    if
    :: drains -> phase = trapped; wait = NEXT; interrupted = false; messaged = false          /* drain */
    :: else ->
    if
    :: withholds -> end_turn()                                                     /* withhold */
    :: else ->
    if
    :: queued && safe_point && phase != ended -> deliver()                          /* deliver */
    :: else ->
    if
    :: phase == trapped && is_over -> phase = decoding; wait = NEXT; note(WAKES)       /* wake */
    :: else ->
    if
    :: phase == decoding && !asked -> asked = true; unheard = false                     /* decode */
    :: else ->
    if
    :: phase == ending && !queued && !waiting && !running -> finish()                /* finish */
    :: else -> settled = true; fresh = 0
    fi fi fi fi fi fi fi fi;
    found = 0
}
