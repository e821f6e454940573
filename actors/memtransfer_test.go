package actors

import (
	"gusty/messages"
	"gusty/messages/table"
)

// Export returns the jobs alone.
func (s *memStore) Export(_ table.ExportQuery, each func(table.TableRow) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.jobs {
		if err := each(table.JobTableRow{Name: name}); err != nil {
			return err
		}
	}
	return nil
}

// PlanImport plans each row as if it were new.
func (s *memStore) PlanImport(items []messages.ImportItem) (messages.ImportResult, error) {
	return reportAll(items), nil
}

func reportAll(items []messages.ImportItem) (result messages.ImportResult) {
	for i := range items {
		row := messages.ImportedRow{
			Place:   items[i].Place,
			Table:   items[i].Table,
			Name:    items[i].Name,
			Outcome: items[i].Outcome,
		}
		if row.Outcome == "" {
			row.Outcome = messages.ImportCreated
		}
		result.Rows = append(result.Rows, row)
	}
	return result
}

func (s *memStore) applyImport(row messages.ImportRows, result *messages.Committed) {
	report := reportAll(row.Items)
	report.Applied = true
	for i := range row.Items {
		switch item := &row.Items[i]; {
		case item.Job != nil:
			s.applyJob(messages.JobRow{
				Job:      item.Job.Job,
				Patch:    item.Job.Patch,
				AnchorAt: row.At,
			}, result)
			head := result.Job.Head()
			head.State = s.states[head.Name]
			if item.Job.Paused != nil {
				head.State.Paused = *item.Job.Paused
				s.states[head.Name] = head.State
			}
			report.Jobs = append(report.Jobs, head)
		case item.Parameter != nil:
			s.parameters[item.Parameter.Name] = item.Parameter.Local
			report.Parameters = append(report.Parameters, *item.Parameter)
		case item.User != nil:
			s.users[item.User.Name] = *item.User
			report.Users = append(report.Users, *item.User)
		}
	}
	result.Job, result.Import = nil, &report
}
