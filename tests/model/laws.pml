// The laws that every committed state must keep, each under the name that spin tells when it is broken.
// The numbers are those of the invariants in docs/model.md.

// Names that are never true, so that a broken law is told as "assertion violated (NAME||...)".
hidden byte I1_limit, I1_slots_hold_the_running, I1_active_rows_are_the_active, I2_one_active_per_user;
hidden byte I3_refunded_once, I4_refunded_iff_failed_or_cancelled, I5_terminal_never_changes, I5_moves_along_the_arrows;
hidden byte I6_balance_is_the_ledger, I7_fifo, I8_every_job_ends, I9_no_orphan, I9_id_is_stored, I9_late_result_is_kept;
hidden byte I10_no_slot_stays_taken, P1_tasks_within_slots, P2_one_task_per_attempt, P3_one_call_in_flight;
hidden byte P4_outcome_is_the_providers, P5_refund_needs_verdict_or_deadline, P6_webhook_is_used, R4_no_deadlock;

// How many slots hold the job, counting only those that are not being cancelled; in n.
inline count_slots_of(j) {
  n = 0;
  for (k : 0 .. SLOT_ROWS - 1) {
    if
    :: slot_job[k] == j + 1 && slot_attempt[k] == attempt[j] && !slot_is_cancelling[k] -> n++
    :: else
    fi
  }
}

inline laws_of_job(j) {
  count_slots_of(j);
  assert(I1_slots_hold_the_running || n == (status[j] == starting || status[j] == running));
  assert(I1_active_rows_are_the_active || has_active_row[j] == ACTIVE(j));
  assert(I3_refunded_once || (refund_count[j] <= 1 && (refund_count[j] == 0 || charged[j])));
  assert(I4_refunded_iff_failed_or_cancelled || !charged[j] || (refund_count[j] > 0) == (status[j] == failed || status[j] == cancelled))
}

inline laws_of_user(u) {
  n = 0;
  for (k : 0 .. JOBS - 1) {
    n = n + (USER(k) == u && ACTIVE(k))
  }
  assert(I2_one_active_per_user || n <= 1);
  n = JOBS;
  for (k : 0 .. JOBS - 1) {
    if
    :: USER(k) == u -> n = n + refund_count[k] - charged[k]
    :: else
    fi
  }
  assert(I6_balance_is_the_ledger || balance[u] == n)
}

// A task at the provider holds a slot, or is noted as a possible orphan because the slot's own deadline passed.
inline laws_of_task(t) {
  n = 0;
  for (k : 0 .. SLOT_ROWS - 1) {
    n = n + (slot_job[k] == JOB_OF(t) + 1 && slot_attempt[k] == ATTEMPT_OF(t))
  }
  assert(I9_no_orphan || !AT_PROVIDER(t) || n == 1 || is_noted[t]);
  assert(P2_one_task_per_attempt || task_count[t] <= 1);
  assert(P6_webhook_is_used || webhook[t] != used || is_known[t])
}

inline laws_of_limits() {
  n = 0;
  for (k : 0 .. SLOT_ROWS - 1) {
    n = n + (slot_job[k] > 0)
  }
  assert(I1_limit || n <= SLOTS);
  n = 0;
  for (k : 0 .. TASKS - 1) {
    n = n + (AT_PROVIDER(k) && !is_noted[k])
  }
  assert(P1_tasks_within_slots || n <= SLOTS)
}

// Called in every commit and whenever the provider took or answered a question.
inline laws() {
  d_step {
    laws_of_limits();
    for (i : 0 .. JOBS - 1) {
      laws_of_job(i)
    }
    for (i : 0 .. USERS - 1) {
      laws_of_user(i)
    }
    for (i : 0 .. TASKS - 1) {
      laws_of_task(i)
    }
    n = 0; i = 0; k = 0
  }
}

// When nobody can do anything any more. No run goes on for ever (check proves that as well), so each run comes here, and what holds
// here is what eventually happens in every run that is fair.
proctype quiet() {
  timeout;
  d_step {
    for (i : 1 .. WORKERS) {
      assert(R4_no_deadlock || !is_busy[i])
    }
    for (i : 0 .. JOBS - 1) {
      assert(I8_every_job_ends || TERMINAL(i))
    }
    for (i : 0 .. SLOT_ROWS - 1) {
      assert(I10_no_slot_stays_taken || slot_job[i] == 0)
    }
    for (i : 0 .. TASKS - 1) {
      assert(P6_webhook_is_used || webhook[i] != stored);
      assert(I9_no_orphan || !AT_PROVIDER(i) || (is_noted[i] && !is_known[i]));
      assert(I9_late_result_is_kept || task[i] != ended_ok || !is_known[i] || status[JOB_OF(i)] == completed || has_late_result[JOB_OF(i)])
    }
  }
}
