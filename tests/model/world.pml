// What happens without us: tasks go on and end, webhooks come, come twice, too early or never, time passes, pages ask.
// Nothing of it comes in a given order, and what is a fault costs a surprise.

#define TASK_ENDS(t) \
  :: atomic { task[t] == at_work -> if :: task[t] = ended_ok :: task[t] = ended_bad fi }
#define TASK_HANGS(t) \
  :: atomic { task[t] == at_work && surprises > 0 -> surprises--; task[t] = stuck }
// The webhook of an ended task whose id is stored asks for a look that the reconciler may take at any time anyhow: it is left out.
// One about a settled job with a known task could tell nothing at all.
#define IS_NEWS(t) (!is_known[t] || !TERMINAL(JOB_OF(t)))
#define WEBHOOK_COMES(t) \
  :: atomic { ENDED(t) && webhook[t] == unsent && !is_known[t] -> webhook[t] = stored }
#define WEBHOOK_GOES_WRONG(t) \
  :: atomic { surprises > 0 && IS_NEWS(t) && ((AT_PROVIDER(t) && webhook[t] == unsent) || webhook[t] == used) -> \
              surprises--; webhook[t] = stored } \
  :: atomic { surprises > 0 && !is_known[t] && ENDED(t) && webhook[t] == unsent -> surprises--; webhook[t] = lost }
#define DEADLINE_PASSES(j) \
  :: atomic { ACTIVE(j) && !is_overdue[j] -> is_overdue[j] = true }
// Of a node that crashed, or of one that is slow to write down an answer: calls end before leases do.
#ifdef LEASE_FOR_EVER
#define LEASE_EXPIRES(j)
#else
#define LEASE_EXPIRES(j) \
  :: atomic { lease[j] > 0 && asking_count[j] == 0 -> lease[j] = 0 }
#endif
// A page asks for a look at the job, and writes nothing else. Without a task at the provider there is nothing to look at.
#ifdef M14_PAGE_SETS_THE_OUTCOME
#define PAGE_SYNCS(j) \
  :: atomic { surprises > 0 && status[j] == running -> d_step { surprises--; complete(j, attempt[j]) } }
#else
#define PAGE_SYNCS(j) \
  :: atomic { surprises > 0 && status[j] == running && !check_is_due[j] -> surprises--; check_is_due[j] = true }
#endif

proctype world() {
end_world:
  do
  EACH_TASK(TASK_ENDS)
  EACH_TASK(TASK_HANGS)
  EACH_TASK(WEBHOOK_COMES)
  EACH_TASK(WEBHOOK_GOES_WRONG)
  EACH_JOB(DEADLINE_PASSES)
  EACH_JOB(LEASE_EXPIRES)
  EACH_JOB(PAGE_SYNCS)
  od
}
