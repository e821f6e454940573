package actors

import (
	"time"

	"gusty/messages"
)

// What a change of a job's expression, of its time zone, or of its switch does to
// its firings.

// beginsAnew reports whether a change begins the job's planning anew: what fell due while it was
// switched off, or would have by the plan that it gets, was not missed.
func (e *jobEntry) beginsAnew(m *messages.PutJob) bool {
	if e.plan == nil || m.Patch.Enabled != nil && *m.Patch.Enabled && !e.enabled {
		return true
	}
	zone := e.plan.key.zone()
	if m.Patch.TimeZone != nil {
		zone = *m.Patch.TimeZone
	}
	return e.plan.key != planKeyOf(m.Job.CronExpression, zone)
}

// armed returns the time up to which the job's firings have their records at now. It lies ahead of
// now where a firing is armed; farther ahead than that is a clock that was set back since.
func (e *jobEntry) armed(now time.Time) time.Time {
	through := fromUnixNano(e.through)
	if through.Sub(now) > armLead {
		return now
	}
	return through
}

// changePlan takes back what is armed by the old plan of a job, and returns the time after which
// the new one goes on. A firing that is due by both stays: it may have started before it can be
// taken back, and must not start twice.
func (a *schedulerActor) changePlan(before *jobEntry, head *messages.JobHead,
	now time.Time,
) time.Time {
	armed := before.armed(now)
	head.State.PlannedThrough = laterOf(head.State.PlannedThrough, armed)
	taken := disarmTasks{name: head.Name, why: whyReplanned}
	p, err := parsePlan(head.CronExpression, head.TimeZone)
	if err == nil && p.isDue(armed, head.State.Anchor) {
		taken.but = armed
	}
	a.system.tell(nameExecutors, taken)
	return laterOf(now, armed)
}

// isDue reports whether the plan has a firing at that time.
func (p *plan) isDue(at, anchor time.Time) bool { return p.next(at.Add(-1), anchor).Equal(at) }
