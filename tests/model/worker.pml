// One thread of one node, or one session of a user or an administrator: it picks anything that there is to do, does it step by step,
// and may crash between any two steps. Two workers meet in every pair of actors, three in every triple.
//
//   start       a page starts a job                            claim, record       process-next, before and after its call
//   look        the reconciler asks about a job at work        cancel, cancel_all  the user; an administrator, several jobs
//   chase       the reconciler asks about a task whose job is  sweep               the sweep that judges by age, and asks nobody
//               over, and cancels it there
//
// A transaction takes its locks one by one in the order of R4: advisory, job rows by (table, id), balances by user; then it commits.

// Of workers that are all alike, the first idle one begins: no meeting is lost by that.
#if WORKERS > 2
#define MAY_BEGIN (me == 1 || (is_busy[1] && (me == 2 || is_busy[2])))
#else
#define MAY_BEGIN (me == 1 || is_busy[1])
#endif

#define IS_BUSY_QUEUE (place[0] > 0 || place[1] > 0 || place[JOBS - 1] > 0)
#define IS_FREE(s) slot_job[s] == 0
#define HOLDS(s, t) (slot_job[s] == JOB_OF(t) + 1 && slot_attempt[s] == ATTEMPT_OF(t))
#if SLOT_ROWS > 2
#define IS_HELD(t) (HOLDS(0, t) || HOLDS(1, t) || HOLDS(2, t))
#elif SLOT_ROWS > 1
#define IS_HELD(t) (HOLDS(0, t) || HOLDS(1, t))
#else
#define IS_HELD(t) HOLDS(0, t)
#endif

#define IS_AT_WORK(t) \
  (attempt[JOB_OF(t)] == ATTEMPT_OF(t) && (status[JOB_OF(t)] == starting || status[JOB_OF(t)] == running))
// Asking about a task that works on and that nobody is worried about would change nothing, so it is not done.
#ifdef ASKS_WITHOUT_CAUSE
#define MAY_CHANGE(t) true
#else
#define MAY_CHANGE(t) (ENDED(t) || check_is_due[JOB_OF(t)] || is_overdue[JOB_OF(t)] || IS_CLAIMED(t))
#endif
#define IS_CHASED(t) (is_noted[t] && (AT_PROVIDER(t) || IS_CLAIMED(t) || (task[t] == ended_ok && !has_late_result[JOB_OF(t)])))
// A lease expires at any time, of a node that crashed or of one that is slow to write down an answer, but calls end before leases do.
// Here it expires when somebody wants it.
#if defined(M15_NO_LIMIT_ON_CHECKS)
#define MAY_ASK(j) true
#elif defined(LEASE_FOR_EVER)
#define MAY_ASK(j) lease[j] == 0
#else
#define MAY_ASK(j) (lease[j] == 0 || asking_count[j] == 0)
#endif

// The first free row that the worker wants and all rows before it are its own: the order of the locks.
#define WANTS(j) ((wanted >> (j)) & 1)
#define OWNS_ROW(j) (!WANTS(j) || row_lock[j] == me)
#define WANTS_BALANCE(u) ((WANTS(0) && USER(0) == u) || (WANTS(1) && USER(1) == u) || (JOBS > 2 && WANTS(2) && USER(2) == u))
#define OWNS_BALANCE(u) (!WANTS_BALANCE(u) || balance_lock[u] == me)
#define OWNS_ALL_BALANCES (OWNS_BALANCE(0) && OWNS_BALANCE(USERS - 1))
#ifdef M7_ROWS_IN_ANY_ORDER
#define ROWS_BEFORE_ARE_OWNED(j) true
#else
#define ROWS_BEFORE_ARE_OWNED(j) ((j) == 0 || (OWNS_ROW(0) && ((j) == 1 || OWNS_ROW(1))))
#endif
#if JOBS > 2
#define OWNS_ALL_ROWS (OWNS_ROW(0) && OWNS_ROW(1) && OWNS_ROW(2))
#else
#define OWNS_ALL_ROWS (OWNS_ROW(0) && OWNS_ROW(1))
#endif
#define BALANCES_BEFORE_ARE_OWNED(u) ((u) == 0 || OWNS_BALANCE(0))
// Where each user has one job, the lock of the job's row lets nobody else come to the balance: it would never be waited for.
#if JOBS == USERS && !defined(M6_REFUND_BY_FLAG) && !defined(M7_ROW_BEFORE_ADVISORY)
#define MOVES_MONEY false
#else
#define MOVES_MONEY (kind != claim && kind != chase && (kind != record || verdict == no_capacity || verdict == refused) && \
                     (kind != look || verdict == bad || verdict == late))
#endif

inline begin(what) {
  is_busy[me] = true;
  kind = what
}

inline take(j) {
  job = j; wanted = 1 << j; hands[j]++
}

inline release_locks() {
  if
  :: advisory_lock == me -> advisory_lock = 0
  :: else
  fi;
  for (k : 0 .. JOBS - 1) {
    if
    :: row_lock[k] == me -> row_lock[k] = 0
    :: else
    fi
  }
  for (k : 0 .. USERS - 1) {
    if
    :: balance_lock[k] == me -> balance_lock[k] = 0
    :: else
    fi
  }
}

inline rest() {
  for (i : 0 .. JOBS - 1) {
    if
    :: WANTS(i) -> hands[i]--; forget_if_over(i)
    :: else
    fi
  }
  is_busy[me] = false;
  kind = idle; job = 0; wanted = 0; seen = 0; was = pending; verdict = unknown
#ifdef M6_REFUND_BY_FLAG
  ; saw_refund = false
#endif
#ifdef LIMIT_IS_A_COUNT
  ; saw_room = false
#endif
#ifdef M9_SLOT_FREED_BY_ITS_NUMBER
  ; seen_slot = 0
#endif
}

inline make_task() {
  task[TASK(job, seen)] = at_work; task_count[TASK(job, seen)]++
}

inline answer() {
  if
  :: task[TASK(job, seen)] == ended_ok -> verdict = ok
  :: task[TASK(job, seen)] == ended_bad -> verdict = bad
  :: AT_PROVIDER(TASK(job, seen)) && kind == chase -> task[TASK(job, seen)] = ended_bad; verdict = bad
  :: AT_PROVIDER(TASK(job, seen)) && kind == look -> verdict = alive
  fi
}

// By the facts of the lease: the deadline of what the job did when it was asked about. No end was heard of, so it ends the job.
inline judge() {
  if
#ifdef M16_REFUND_ON_UNKNOWN
  :: kind == look && verdict == unknown -> verdict = late
#endif
  :: kind == look && (verdict == alive || verdict == unknown) && is_overdue[job] && attempt[job] == seen && status[job] == was ->
     verdict = late
  :: else
  fi
}

inline give_lease_back() {
  if
  :: lease[job] == me -> lease[job] = 0
  :: else
  fi
}

// What a crash leaves: an open transaction is rolled back; a lease stays until it expires.
#define CRASH \
  :: atomic { surprises > 0 -> d_step { surprises--; release_locks(); rest() }; goto end_idle }

// Whoever reads nothing before its first lock begins when it gets that lock: until then it is as if it were not there.
#define LOCK_FIRST(j) \
  row_lock[j] = me; \
  if \
  :: MOVES_MONEY -> goto take_balances \
  :: else -> goto commit \
  fi
#if defined(M6_REFUND_BY_FLAG) || defined(M7_ROW_BEFORE_ADVISORY)
#define LOCK_AFTER_LOOK(j) goto take_rows
#else
#define LOCK_AFTER_LOOK(j) LOCK_FIRST(j)
#endif
#if defined(M4_SWEEP_BY_ID) || defined(AGE_NOT_ASKED_AGAIN)
#define LOCK_AFTER_AGE(j) goto take_rows
#else
#define LOCK_AFTER_AGE(j) LOCK_AFTER_LOOK(j)
#endif

#define START(j) \
  :: atomic { MAY_BEGIN && status[j] == pending && row_lock[j] == 0 && \
              !ANY_JOB(IS_ACTIVE_OF_USER_OF_##j) -> begin(start); take(j); LOCK_FIRST(j) }
#define IS_ACTIVE_OF_USER_OF_0(o) (USER(o) == USER(0) && has_active_row[o])
#define IS_ACTIVE_OF_USER_OF_1(o) (USER(o) == USER(1) && has_active_row[o])
#define IS_ACTIVE_OF_USER_OF_2(o) (USER(o) == USER(2) && has_active_row[o])

#ifdef M6_REFUND_BY_FLAG
#define READ_FLAG(j) ; saw_refund = refund_count[j] > 0
#else
#define READ_FLAG(j)
#endif
#define SWEEP(j) \
  :: atomic { MAY_BEGIN && is_overdue[j] && row_lock[j] == 0 -> begin(sweep); take(j) READ_FLAG(j); LOCK_AFTER_AGE(j) }
#define CANCEL(j) \
  :: atomic { MAY_BEGIN && !TERMINAL(j) && row_lock[j] == 0 -> begin(cancel); take(j) READ_FLAG(j); LOCK_AFTER_LOOK(j) }

#ifdef M9_SLOT_FREED_BY_ITS_NUMBER
#define READ_SLOT(t) ; if :: HOLDS(SLOT_ROWS - 1, t) -> seen_slot = SLOT_ROWS - 1 :: else fi
#else
#define READ_SLOT(t)
#endif
#define LOOK(t) \
  :: atomic { MAY_BEGIN && IS_AT_WORK(t) && HAS_NAME(t) && MAY_ASK(JOB_OF(t)) && MAY_CHANGE(t) -> \
              begin(look); take(JOB_OF(t)); seen = ATTEMPT_OF(t); was = status[job]; lease[job] = me; check_is_due[job] = false; \
              assert(P3_one_call_in_flight || asking_count[job] == 0); asking_count[job]++; goto ask }
// The answer to the submission is not known, so there is nobody to ask.
#define JUDGE_NAMELESS(t) \
  :: atomic { MAY_BEGIN && IS_AT_WORK(t) && !HAS_NAME(t) && MAY_ASK(JOB_OF(t)) && is_overdue[JOB_OF(t)] -> \
              begin(look); take(JOB_OF(t)); seen = ATTEMPT_OF(t); was = status[job]; lease[job] = me; verdict = late }
#define CHASE(t) \
  :: atomic { MAY_BEGIN && TERMINAL(JOB_OF(t)) && HAS_NAME(t) && MAY_ASK(JOB_OF(t)) && (IS_HELD(t) || IS_CHASED(t)) -> \
              begin(chase); take(JOB_OF(t)); seen = ATTEMPT_OF(t) READ_SLOT(t); lease[job] = me; asking_count[job]++; goto ask }

#ifdef NO_DEADLINE_OF_SLOTS
#define EXPIRE(s)
#else
#define EXPIRE(s) \
  :: atomic { MAY_BEGIN && slot_is_cancelling[s] -> d_step { do_expire(s) }; laws(); goto end_idle }
#endif
#define WANT_IF_ACTIVE(j) wanted = wanted | (ACTIVE(j) << j); hands[j] = hands[j] + ACTIVE(j);

// process-next looks at the queue: the oldest row, wherever it lies, and then waits for it.
#ifdef LIMIT_IS_A_COUNT
#define HAS_ROOM saw_room
#else
#define HAS_ROOM true
#endif
#if defined(M3_REPEATABLE_READ)
#define IS_CHOSEN(j) HAS_ROOM && job == j && status[j] == queued
#elif defined(M12_SKIP_LOCKED_AT_THE_HEAD) || defined(M1_COUNT_WITHOUT_LOCK)
#define IS_OLDER(o, j) (place[o] > 0 && place[o] < place[j] && row_lock[o] == 0)
#define IS_CHOSEN(j) HAS_ROOM && place[j] > 0 && row_lock[j] == 0 && !(IS_OLDER(0, j) || IS_OLDER(1, j) || IS_OLDER(JOBS - 1, j))
#else
#define IS_CHOSEN(j) HAS_ROOM && place[j] == 1
#endif
#define CHOOSE(j) :: IS_CHOSEN(j) -> take(j)
#ifdef LIMIT_IS_A_COUNT
#define MAY_ENTER true
#else
#define MAY_ENTER advisory_lock == 0
#endif

#ifdef LIMIT_IS_A_COUNT
#define COUNT_SLOTS \
  d_step { n = 0; for (k : 0 .. SLOT_ROWS - 1) { n = n + (slot_job[k] > 0) } saw_room = n < SLOTS; n = 0; k = 0 }
#else
#define COUNT_SLOTS
#endif
// One queue a table, each claimed from by its own query, and all in one snapshot.
#define IS_OLDER_IN_TABLE(o, j) (TABLE(o) == TABLE(j) && place[o] > 0 && place[o] < place[j])
#define CLAIM_FROM_SNAPSHOT(j) \
  :: atomic { MAY_BEGIN && place[j] > 0 && !(IS_OLDER_IN_TABLE(0, j) || IS_OLDER_IN_TABLE(1, j) || IS_OLDER_IN_TABLE(JOBS - 1, j)) -> \
              begin(claim); job = j; COUNT_SLOTS; goto take_advisory }

#define LOCK_ROW(j) \
  :: atomic { WANTS(j) && row_lock[j] == 0 && ROWS_BEFORE_ARE_OWNED(j) -> row_lock[j] = me; \
              if :: !OWNS_ALL_ROWS -> goto take_rows :: OWNS_ALL_ROWS && !MOVES_MONEY -> goto commit :: else fi }
#define LOCK_BALANCE(u) \
  :: atomic { WANTS_BALANCE(u) && balance_lock[u] == 0 && BALANCES_BEFORE_ARE_OWNED(u) -> balance_lock[u] = me; \
              if :: !OWNS_ALL_BALANCES -> goto take_balances :: else fi }

proctype worker(byte me) {
  mtype kind = idle;
  mtype verdict = unknown;
  byte job;
  byte wanted;  // The jobs whose rows it locks, a bit each.
  byte seen;    // The attempt that it acts on.
  mtype was = pending;  // The status in which it saw the job.
#ifdef M6_REFUND_BY_FLAG
  bool saw_refund;
#endif
#ifdef LIMIT_IS_A_COUNT
  bool saw_room;
#endif
#ifdef M9_SLOT_FREED_BY_ITS_NUMBER
  byte seen_slot;
#endif

end_idle:
  if
  EACH_JOB(START)
#ifdef M3_REPEATABLE_READ
  EACH_JOB(CLAIM_FROM_SNAPSHOT)
#else
  :: atomic { MAY_BEGIN && IS_BUSY_QUEUE && ANY_SLOT(IS_FREE) && MAY_ENTER -> begin(claim); COUNT_SLOTS; goto take_advisory }
#endif
  EACH_TASK(LOOK)
  EACH_TASK(CHASE)
#ifndef NO_DEADLINE_OF_JOBS
  EACH_TASK(JUDGE_NAMELESS)
  EACH_JOB(SWEEP)
#endif
#ifndef NOBODY_CANCELS
  EACH_JOB(CANCEL)
  :: atomic { MAY_BEGIN && ACTIVE(0) + ACTIVE(1) + (JOBS > 2 && ACTIVE(JOBS - 1)) > 1 ->
              begin(cancel_all); EACH_JOB(WANT_IF_ACTIVE) job = 0 }
#endif
  EACH_SLOT(EXPIRE)
  fi;
  goto take_rows;

take_advisory:
  if
#ifdef M1_COUNT_WITHOUT_LOCK
  :: atomic { true ->
#else
  :: atomic { advisory_lock == 0 -> advisory_lock = me;
#endif
     if
     EACH_JOB(CHOOSE)
     :: else -> d_step { release_locks(); rest() }; goto end_idle
     fi }
  CRASH
  fi;

take_rows:
  if
  EACH_JOB(LOCK_ROW)
  CRASH
  fi;
#ifdef M7_ROW_BEFORE_ADVISORY
  if
  :: kind != cancel
  :: atomic { kind == cancel && advisory_lock == 0 -> advisory_lock = me }
  fi;
#endif

take_balances:
  if
  EACH_USER(LOCK_BALANCE)
  CRASH
  fi;

commit:
  atomic {
    d_step {
      if
      :: kind == start -> do_start()
      :: kind == claim -> do_claim()
      :: kind == record -> do_record()
      :: kind == look -> do_look()
      :: kind == chase -> do_chase()
      :: kind == sweep -> do_sweep()
      :: kind == cancel || kind == cancel_all -> do_cancel()
      fi;
      release_locks()
    }
    laws();
    if
    :: kind == claim && seen > 0 -> asking_count[job]++
    :: else -> d_step { rest() }; goto end_idle
    fi
  }

// The call that makes a task. The provider may take it and its answer be lost: then the job is held, and nothing is sent again.
submit:
  if
  :: atomic { d_step { make_task(); asking_count[job]--; kind = record; verdict = accepted }; laws() }
  :: atomic { surprises > 0 -> d_step { surprises--; make_task() }; laws();
#ifdef RESUBMIT_IN_DOUBT
     goto submit
#else
     d_step { asking_count[job]--; give_lease_back(); rest() }; goto end_idle
#endif
     }
  :: atomic { surprises > 0 -> surprises--; asking_count[job]--; kind = record; verdict = no_capacity }
  :: atomic { surprises > 0 -> surprises--; asking_count[job]--; kind = record; verdict = refused }
  :: atomic { surprises > 0 -> d_step { surprises--; asking_count[job]--; rest() }; goto end_idle }
  fi;
  goto take_rows;

// The question after a task, and its answer; a task whose job is over is cancelled there before.
ask:
  if
  :: atomic { d_step { asking_count[job]--; answer(); judge() }; laws() }
  :: atomic { surprises > 0 -> d_step { surprises--; asking_count[job]--; judge() } }
  :: atomic { surprises > 0 -> d_step { surprises--; asking_count[job]--; rest() }; goto end_idle }
  fi;
  atomic {
    if
    :: verdict == ok || verdict == bad || verdict == late || (verdict == alive && IS_CLAIMED(TASK(job, seen))) -> goto take_rows
    :: else -> d_step { give_lease_back(); rest() }; goto end_idle
    fi
  }
}
