// The life of a job, from admission to settlement, as a model for spin: what the database holds, what the provider does, who acts.
//
// The law book is laws.pml; the transactions are transactions.pml; the actors are worker.pml and world.pml. docs/model.md tells what
// is left out, and how to run it. A mutant is one -D, named in tests/model/check; without any, this is the design as it should be.
// The bounds: JOBS, USERS, SLOTS, WORKERS, and SURPRISES, the number of faults in one run.

#ifndef JOBS
#define JOBS 2
#endif
#ifndef USERS
#define USERS 2
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef SURPRISES
#define SURPRISES 1
#endif

// Times that a job may be claimed. A second time needs a provider that had no room, which is a surprise.
#define ATTEMPTS 2
#define TASKS (JOBS * ATTEMPTS)
#define TASK(j, a) ((j) * ATTEMPTS + (a) - 1)
#define JOB_OF(t) ((t) / ATTEMPTS)
#define ATTEMPT_OF(t) ((t) % ATTEMPTS + 1)

// Jobs 0 and 2 belong to one user and lie in different tables; the order of (table, id) is the order of the numbers.
#define USER(j) ((j) % USERS)
#define TABLE(j) (((j) + 1) / 2)

// Designs that count instead of holding a row of provider_slots have no limit of rows.
#if defined(M1_COUNT_WITHOUT_LOCK) || defined(M2_LOCK_INSIDE_STATEMENT) || defined(M3_REPEATABLE_READ)
#define LIMIT_IS_A_COUNT
#define SLOT_ROWS (SLOTS + 1)
#else
#define SLOT_ROWS SLOTS
#endif

mtype = { pending, queued, starting, running, completed, failed, cancelled };
mtype = { none, at_work, stuck, ended_ok, ended_bad };
mtype = { unsent, stored, used, lost };
mtype = { idle, start, claim, record, look, chase, sweep, cancel, cancel_all };
mtype = { unknown, alive, ok, bad, late, accepted, no_capacity, refused };

#define ACTIVE(j) (status[j] == queued || status[j] == starting || status[j] == running)
#define TERMINAL(j) (status[j] == completed || status[j] == failed || status[j] == cancelled)
#define AT_PROVIDER(t) (task[t] == at_work || task[t] == stuck)
#define ENDED(t) (task[t] == ended_ok || task[t] == ended_bad)
// Known from the answer to the submission, or claimed by a webhook that bore the token of the attempt.
#define IS_CLAIMED(t) (webhook[t] == stored && !is_known[t])
#define HAS_NAME(t) (is_known[t] || webhook[t] == stored)

// ---- The database, as committed.
mtype status[JOBS] = pending;
byte attempt[JOBS];
byte place[JOBS];         // In the queue, by queued_at: 1 is the oldest, 0 is not in it.
bool charged[JOBS];       // The ledger's entry (job, charge).
byte refund_count[JOBS];  // The ledger's entries (job, refund); its key allows one.
byte balance[USERS] = JOBS;
bool has_active_row[JOBS];
bool is_overdue[JOBS];    // The deadline of what the job does now has passed. Only the database's clock says so.
bool check_is_due[JOBS];  // Somebody asked for a look at the job: a webhook or a page.
byte lease[JOBS];         // The worker that may ask about the job, or about the task that it left behind.
bool has_late_result[JOBS];
byte slot_job[SLOT_ROWS];  // The job's number + 1; 0 is a free slot.
byte slot_attempt[SLOT_ROWS];
bool slot_is_cancelling[SLOT_ROWS];
bool is_known[TASKS];     // The task's id is stored.
bool is_noted[TASKS];     // Noted as a possible orphan.
mtype webhook[TASKS] = unsent;  // Of one attempt: told us the task's id, was used, or was lost on its way.

// ---- The locks of open transactions: the worker that holds it, 0 is nobody.
byte advisory_lock;
byte row_lock[JOBS];
byte balance_lock[USERS];

// ---- The provider. It goes on when we crash, and enforces no limit of ours.
mtype task[TASKS] = none;
byte task_count[TASKS];   // Tasks ever made for an attempt.

// ---- Beside the world: questions in flight, who is busy with what, and the faults that are left.
byte asking_count[JOBS];
bool is_busy[WORKERS + 1];
byte hands[JOBS];  // Workers that act on the job.
byte surprises = SURPRISES;

// Scratch of d_steps; means nothing between two of them and is no part of a state.
hidden byte i;
hidden byte k;
hidden byte n;

// One option for each job, task, user: a loop cannot choose.
#if JOBS > 2
#define EACH_JOB(option) option(0) option(1) option(2)
#define EACH_TASK(option) option(0) option(1) option(2) option(3) option(4) option(5)
#define ANY_JOB(is_so) (is_so(0) || is_so(1) || is_so(2))
#define ANY_TASK(is_so) (is_so(0) || is_so(1) || is_so(2) || is_so(3) || is_so(4) || is_so(5))
#else
#define EACH_JOB(option) option(0) option(1)
#define EACH_TASK(option) option(0) option(1) option(2) option(3)
#define ANY_JOB(is_so) (is_so(0) || is_so(1))
#define ANY_TASK(is_so) (is_so(0) || is_so(1) || is_so(2) || is_so(3))
#endif
#if USERS > 1
#define EACH_USER(option) option(0) option(1)
#else
#define EACH_USER(option) option(0)
#endif
#if SLOT_ROWS > 2
#define EACH_SLOT(option) option(0) option(1) option(2)
#define ANY_SLOT(is_so) (is_so(0) || is_so(1) || is_so(2))
#elif SLOT_ROWS > 1
#define EACH_SLOT(option) option(0) option(1)
#define ANY_SLOT(is_so) (is_so(0) || is_so(1))
#else
#define EACH_SLOT(option) option(0)
#define ANY_SLOT(is_so) (is_so(0))
#endif

#include "laws.pml"
#include "transactions.pml"
#include "worker.pml"
#include "world.pml"

init {
  atomic {
    for (i : 1 .. WORKERS) {
      run worker(i)
    }
    run world();
    run quiet()
  }
}
