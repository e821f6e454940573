package actors

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gusty/messages"
	"gusty/messages/table"
)

func importItems() []messages.ImportItem {
	imported := job("imported", "0 * * * * *", "exit 0")
	return []messages.ImportItem{
		{Place: 1, Table: messages.TableJobs, Name: imported.Name, Job: &messages.ImportJob{Job: imported, Patch: &messages.JobOptionsPatch{}}},
		{Place: 2, Table: messages.TableConfig, Name: messages.ParamLabels, Parameter: &messages.StoredParameter{Name: messages.ParamLabels, Local: "a=b"}},
		{Place: 3, Table: messages.TableUsers, Name: "ops", User: &messages.User{Name: "ops", Hash: "hash", Scopes: messages.AllScopes()}},
	}
}

func TestAnImportIsTrueInEveryActor(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		got := ask[messages.Imported](w, messages.Import{Items: importItems()}).Result
		if !got.Applied || len(got.Rows) != 3 {
			t.Errorf("the answer is %+v", got)
		}
		if names := ask[messages.JobNames](w, messages.ListJobs{}).Names; len(names) != 1 ||
			names[0] != "imported" {
			t.Errorf("the jobs are %v", names)
		}
		if got := w.sys.Config().Text(messages.ParamLabels); got != "a=b" {
			t.Errorf("the parameter is %q", got)
		}
		if w.sys.Access().Users["ops"] == nil || w.sys.Access().Users["Admin"] == nil {
			t.Errorf("the users are %v", w.sys.Access().Users)
		}
		w.advance(2 * time.Minute)
		w.expect("imported", messages.RunSucceeded, 2)
	})
}

func TestAnImportedJobIsPausedAndReplaced(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("imported", "0 * * * * *", "exit 0"))
		items, paused := importItems()[:1], true
		items[0].Job.Job.CronExpression, items[0].Job.Paused = "30 * * * * *", &paused
		ask[messages.Imported](w, messages.Import{Items: items})
		w.advance(2 * time.Minute)
		w.expect("imported", messages.RunSucceeded, 0)
		if state := ask[messages.JobStanding](w,
			messages.GetJobState{Name: "imported"}).State; !state.Paused {
			t.Error("the job is not paused")
		}
	})
}

func TestAnImportIsNotAcknowledgedBeforeItIsDurable(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		unblock := w.store.block()
		told := make(chan any, 1)
		go func() {
			reply, _ := w.sys.Ask(context.Background(), messages.Import{Items: importItems()})
			told <- reply
		}()
		w.advance(time.Second)
		if len(told) > 0 || w.sys.Access().Users["ops"] != nil ||
			len(ask[messages.JobNames](w, messages.ListJobs{}).Names) > 0 {
			t.Error("something is in force, or acknowledged, that is not durable")
		}
		unblock()
		synctest.Wait()
		if reply, ok := (<-told).(messages.Imported); !ok || !reply.Result.Applied {
			t.Errorf("the reply is %+v", reply)
		}
	})
}

func TestADryRunAndARefusedRowChangeNothing(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		refused := append(importItems(), messages.ImportItem{
			Place:   4,
			Outcome: messages.ImportRefused,
		})
		for _, m := range []messages.Import{{
			Items:  importItems(),
			DryRun: true,
		}, {Items: refused}, {Items: refused, DryRun: true, Partial: true}} {
			if got := ask[messages.Imported](w, m).Result; got.Applied ||
				len(got.Rows) != len(m.Items) {
				t.Errorf("the answer is %+v", got)
			}
		}
		if names := ask[messages.JobNames](w, messages.ListJobs{}).Names; len(names) != 0 {
			t.Errorf("the jobs are %v", names)
		}
		if got := ask[messages.Imported](w, messages.Import{
			Items:   refused,
			Partial: true,
		}).Result; !got.Applied || got.Refused() != 1 {
			t.Errorf("the partial import is %+v", got)
		}
	})
}

func TestWhatAnImportCannotStoreIsRefused(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.store.refuseWith(func(messages.Change) error {
			return messages.Errorf(messages.CodeStorageFull, "full")
		})
		if e := refusalOf(w,
			messages.Import{Items: importItems()}); e.Code != messages.CodeStorageFull {
			t.Errorf("the refusal is %+v", e)
		}
	})
}

func TestExportIsReadFromTheStore(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.add(job("a", "@yearly", "exit 0"))
		rows := 0
		err := ask[table.Export](w, table.GetExport{}).Each(func(table.TableRow) error {
			rows++
			return nil
		})
		if err != nil || rows != 1 {
			t.Errorf("%d rows, %v", rows, err)
		}
	})
}
