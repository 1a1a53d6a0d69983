// What happens without us: tasks go on and end, webhooks come, come twice, too early or never, time passes, pages ask.
// Nothing of it comes in a given order, and what is a fault costs a surprise.

#define TASK_ENDS(t) \
  :: atomic { task[t] == at_work -> if :: task[t] = ended_ok :: task[t] = ended_bad fi }
#define TASK_HANGS(t) \
  :: atomic { task[t] == at_work && surprises > 0 -> surprises--; task[t] = stuck }
// A webhook about a task whose id is known rings for a look: at its end the reconciler may take that look at any time anyhow, and at
// any other time, or a second time, it is what a page may do as well. So only those are left that come before the id.
#ifdef M10_WEBHOOK_MATCHED_BY_STORED_ID
#define RINGS(t) used
#else
#define RINGS(t) stored
#endif
#define WEBHOOK_COMES(t) \
  :: atomic { ENDED(t) && webhook[t] == unsent && !is_known[t] -> webhook[t] = RINGS(t); laws() }
#define WEBHOOK_GOES_WRONG(t) \
  :: atomic { surprises > 0 && AT_PROVIDER(t) && webhook[t] == unsent && !is_known[t] -> surprises--; webhook[t] = RINGS(t); laws() } \
  :: atomic { surprises > 0 && ENDED(t) && webhook[t] == unsent && !is_known[t] -> surprises--; webhook[t] = lost }
#define DEADLINE_PASSES(j) \
  :: atomic { ACTIVE(j) && !is_overdue[j] -> is_overdue[j] = true }
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
  EACH_JOB(PAGE_SYNCS)
  od
}
