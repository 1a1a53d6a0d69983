// What a transaction does between the last lock it waits for and its commit, as one step. Nobody sees half of it, a crash before it
// leaves nothing, and every guard is evaluated here, under the locks, as READ COMMITTED evaluates it again after a wait.
// Rows of provider_slots need no lock of their own: whoever waits for one holds the job's row, and the others pass over it.

inline enter_queue(j) {
  n = 1;
  for (k : 0 .. JOBS - 1) {
    n = n + (place[k] > 0)
  }
  place[j] = n
}

inline leave_queue(j) {
  for (k : 0 .. JOBS - 1) {
    if
    :: place[j] > 0 && place[k] > place[j] -> place[k]--
    :: else
    fi
  }
  place[j] = 0
}

inline free_slot(s) {
  slot_job[s] = 0; slot_attempt[s] = 0; slot_is_cancelling[s] = false
}

// The slot of this job and this attempt, if it still has one (R5). A settlement holds the job's row: there the attempt is the last one.
inline free_slot_of(j, a) {
  for (k : 0 .. SLOT_ROWS - 1) {
    if
    :: slot_job[k] == j + 1 && slot_attempt[k] == a -> free_slot(k)
    :: else
    fi
  }
}

inline cancel_slot_of(j) {
  for (k : 0 .. SLOT_ROWS - 1) {
    if
    :: slot_job[k] == j + 1 ->
#ifdef SLOT_FREED_AT_CANCEL
       free_slot(k)
#else
       slot_is_cancelling[k] = true
#endif
    :: else
    fi
  }
}

inline move(j, to) {
  assert(I5_terminal_never_changes || !TERMINAL(j));
  assert(I5_moves_along_the_arrows || to == failed || to == cancelled || (status[j] == pending && to == queued) ||
         (status[j] == queued && to == starting) || (status[j] == starting && (to == running || to == queued)) ||
         (status[j] == running && to == completed));
  status[j] = to;
  is_overdue[j] = false; check_is_due[j] = false
}

// The ledger's key lets one refund in; only what went in moves the balance (R6).
inline refund(j) {
  if
#ifdef M6_REFUND_BY_FLAG
  :: charged[j] && !saw_refund ->
#else
  :: charged[j] && refund_count[j] == 0 ->
#endif
     refund_count[j]++; balance[USER(j)]++
  :: else
  fi
}

// The one way out of the active states, in one transaction. Where the provider may still work, the slot goes on being held.
inline settle(j, to, task_has_ended) {
  move(j, to);
  leave_queue(j);
  has_active_row[j] = false; lease[j] = 0;
  if
  :: task_has_ended -> free_slot_of(j, attempt[j])
  :: else -> cancel_slot_of(j)
  fi;
#ifndef M11_REFUND_IN_SECOND_TRANSACTION
  if
  :: to != completed -> refund(j)
  :: else
  fi
#endif
}

inline complete(j, a) {
  assert(P4_outcome_is_the_providers || (a > 0 && task[TASK(j, a)] == ended_ok));
  settle(j, completed, true)
}

// ended: the provider said so. Else only the deadline allows it.
inline fail_by_verdict(j, ended) {
  assert(P5_refund_needs_verdict_or_deadline || is_overdue[j] || (attempt[j] > 0 && task[TASK(j, attempt[j])] == ended_bad));
  settle(j, failed, ended)
}

// pending -> queued: charged, and active unless the user has another active job.
inline do_start() {
  n = 0;
  for (k : 0 .. JOBS - 1) {
    n = n + (USER(k) == USER(job) && has_active_row[k])
  }
  if
#ifdef M8_ONE_PER_USER_BY_LOOK_UP
  :: status[job] == pending ->
#else
  :: status[job] == pending && n == 0 ->
#endif
     move(job, queued); enter_queue(job); has_active_row[job] = true; charged[job] = true; balance[USER(job)]--
  :: else
  fi
}

// queued -> starting, with a slot and a new attempt (R7, first transaction). seen stays 0 when there was nothing to claim.
inline do_claim() {
  for (k : 0 .. SLOT_ROWS - 1) {
    if
    :: seen == 0 && status[job] == queued && slot_job[k] == 0 -> seen = attempt[job] + 1; slot_job[k] = job + 1; slot_attempt[k] = seen
    :: else
    fi
  }
  if
  :: seen > 0 ->
#ifndef I7_IS_NOT_ASKED
     assert(I7_fifo || place[job] == 1);
#endif
     move(job, starting); leave_queue(job); attempt[job] = seen; lease[job] = me
  :: else
  fi
}

// What became of the submission (R7, second transaction). An id that came back is kept even when the job is settled already, and the
// task is noted when its slot was given away meanwhile. A webhook that came before rings now.
inline do_record() {
  if
  :: verdict == accepted ->
#ifdef LATE_ID_THROWN_AWAY
     is_known[TASK(job, seen)] = is_known[TASK(job, seen)] || status[job] == starting;
#else
     is_known[TASK(job, seen)] = true;
#endif
     n = 0;
     for (k : 0 .. SLOT_ROWS - 1) {
       n = n + (slot_job[k] == job + 1 && slot_attempt[k] == seen)
     }
     is_noted[TASK(job, seen)] = is_noted[TASK(job, seen)] || n == 0;
     if
     :: status[job] == starting && attempt[job] == seen -> move(job, running); check_is_due[job] = webhook[TASK(job, seen)] == stored
     :: else
     fi;
     if
     :: webhook[TASK(job, seen)] == stored -> webhook[TASK(job, seen)] = used
     :: else
     fi
  :: verdict != accepted && status[job] == starting && attempt[job] == seen ->
     if
     :: verdict == no_capacity && seen < ATTEMPTS -> move(job, queued); enter_queue(job); free_slot_of(job, seen)
     :: else -> settle(job, failed, true)
     fi
  :: else -> free_slot_of(job, seen)
  fi;
#ifdef LEASE_OF_ANOTHER_GIVEN_BACK
  lease[job] = 0;
#else
  give_lease_back();
#endif
  assert(I9_id_is_stored || verdict != accepted || is_known[TASK(job, seen)])
}

// A task that only a webhook named is the job's own when the provider says so, and then the job runs.
inline adopt(t) {
  is_known[t] = true; webhook[t] = used;
  if
  :: status[job] == starting && attempt[job] == seen -> move(job, running); was = running
  :: else
  fi
}

// An answer about the task of a job at work. It settles only the attempt and the state that it was asked for: a job that went back
// to the queue bears the same attempt until it is claimed again.
inline do_look() {
  if
  :: IS_CLAIMED(TASK(job, seen)) && (verdict == ok || verdict == bad || verdict == alive) -> adopt(TASK(job, seen))
  :: else
  fi;
  if
#if defined(M4_LOOK_BY_ID)
  :: true ->
#elif defined(M5_NO_ATTEMPT_GUARD)
  :: status[job] == was ->
#elif defined(SEEN_STATUS_NOT_ASKED_AGAIN)
  :: ACTIVE(job) && attempt[job] == seen ->
#else
  :: status[job] == was && attempt[job] == seen ->
#endif
     if
     :: verdict == ok -> complete(job, seen)
     :: verdict == bad -> fail_by_verdict(job, true)
     :: verdict == late -> fail_by_verdict(job, false)
     :: else
     fi
  :: else
  fi;
  give_lease_back()
}

// An answer about a task whose job is over: its end frees the slot of that very attempt, and a success is kept beside the outcome.
inline do_chase() {
  if
  :: IS_CLAIMED(TASK(job, seen)) -> is_known[TASK(job, seen)] = true; webhook[TASK(job, seen)] = used
  :: else
  fi;
  if
  :: verdict == ok && status[job] != completed ->
#ifdef M13_LATE_SUCCESS_OVERWRITES
     settle(job, completed, true);
#endif
     has_late_result[job] = true
  :: else
  fi;
  if
#ifdef M9_SLOT_FREED_BY_ITS_NUMBER
  :: verdict == ok || verdict == bad -> free_slot(seen_slot)
#else
  :: verdict == ok || verdict == bad -> free_slot_of(job, seen)
#endif
  :: else
  fi;
  give_lease_back()
}

// The sweep judged a job by its age, and looks again at that under the lock.
inline do_sweep() {
  if
#if defined(M4_SWEEP_BY_ID)
  :: true ->
#elif defined(AGE_NOT_ASKED_AGAIN)
  :: ACTIVE(job) ->
#else
  :: ACTIVE(job) && is_overdue[job] ->
#endif
     fail_by_verdict(job, false)
#ifdef M6_REFUND_BY_FLAG
  :: !ACTIVE(job) -> refund(job)
#endif
  :: else
  fi
}

// Both cancels. A job without a slot is done with at once.
inline do_cancel() {
  for (i : 0 .. JOBS - 1) {
    if
    :: (wanted & (1 << i)) && !TERMINAL(i) -> settle(i, cancelled, false)
#ifdef M6_REFUND_BY_FLAG
    :: (wanted & (1 << i)) && TERMINAL(i) -> refund(i)
#endif
    :: else
    fi
  }
}

// A slot whose task was not confirmed ended before the slot's own deadline: free, and the task noted and chased.
inline do_expire(s) {
  is_noted[TASK(slot_job[s] - 1, slot_attempt[s])] = true;
  lease[slot_job[s] - 1] = 0;
  free_slot(s)
}

// A settled job of which nothing can be heard any more and that nobody acts on is forgotten, because states that differ only in such
// history have the same future: no law says more of it from here on, and nobody begins to act on it.
inline forget_if_over(j) {
  n = hands[j] + !TERMINAL(j);
  for (k : 0 .. SLOT_ROWS - 1) {
    n = n + (slot_job[k] == j + 1)
  }
  for (k : TASK(j, 1) .. TASK(j, ATTEMPTS)) {
    n = n + (AT_PROVIDER(k) || webhook[k] == stored || (ENDED(k) && !is_known[k]) ||
             (task[k] == ended_ok && status[j] != completed && !has_late_result[j]))
  }
  if
  :: n == 0 ->
     balance[USER(j)] = balance[USER(j)] + charged[j] - refund_count[j];
     charged[j] = false; refund_count[j] = 0; lease[j] = 0; status[j] = cancelled; attempt[j] = 0; has_late_result[j] = false;
     for (k : TASK(j, 1) .. TASK(j, ATTEMPTS)) {
       task[k] = none; webhook[k] = unsent; is_known[k] = false; is_noted[k] = false; task_count[k] = 0
     }
  :: else
  fi
}
