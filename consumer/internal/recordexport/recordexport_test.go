package recordexport_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/recordexport"
)

// records are n of them, with texts that end lines and quote.
func records(n int) []ledger.Exported {
	all := make([]ledger.Exported, n)
	for i := range all {
		at := time.Date(2026, 3, 4, 5, 6, 7, i*1e6, time.UTC)
		all[i] = ledger.Exported{
			ID: int64(i), BillingKey: fmt.Sprintf("%044x", i+1), KeySource: "gateway", RequestTime: at, CreateTime: at.Truncate(time.Second),
			URI: new("/a\n\"b\",é\r\n"), Consumer: new(""), LatencyMS: new(0.1), TotalTokens: 1<<63 - 1, Stream: new(true),
			Quantities: new(ledger.JSONText(`[{"unit":"image","quantity":"2"}]`)), StampSequence: new(uint64(1<<64 - 1)),
		}
	}
	return all
}

func export(t *testing.T, form recordexport.Form, name string, resume bool, page []ledger.Exported) (last *ledger.Exported) {
	t.Helper()
	sink, last, err := recordexport.ToFile(form, name, resume)
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Write(page); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	return last
}

// Wherever an export was cut, even within a record, it goes on behind the last one that is whole, and the file is in the end
// what it would have been in one go.
func TestExportGoesOnWhereverItWasCut(t *testing.T) {
	for _, form := range []recordexport.Form{recordexport.NDJSON, recordexport.CSV} {
		t.Run(string(form), func(t *testing.T) {
			all := records(3)
			name := filepath.Join(t.TempDir(), "records")
			export(t, form, name, false, all)
			whole, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for cut := len(whole); cut >= 0; cut -= 7 {
				if err := os.WriteFile(name, whole[:cut], 0o600); err != nil {
					t.Fatal(err)
				}
				sink, last, err := recordexport.ToFile(form, name, true)
				if err != nil {
					t.Fatalf("cut at %d of %d: %v", cut, len(whole), err)
				}
				rest := all
				if last != nil {
					rest = all[last.ID+1:]
					if r := all[last.ID]; last.BillingKey != r.BillingKey || last.KeySource != r.KeySource || !last.RequestTime.Equal(r.RequestTime) || !last.CreateTime.Equal(r.CreateTime) {
						t.Fatalf("cut at %d: goes on behind %+v", cut, last)
					}
				}
				if err := sink.Write(rest); err != nil {
					t.Fatal(err)
				}
				if err := sink.Close(); err != nil {
					t.Fatal(err)
				}
				if got, err := os.ReadFile(name); err != nil || string(got) != string(whole) {
					t.Fatalf("cut at %d: %v\n%s\nwant\n%s", cut, err, got, whole)
				}
			}
		})
	}
}

func TestPartsOfParquet(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "records.parquet")
	all := records(5)
	if last := export(t, recordexport.Parquet, name, false, all[:2]); last != nil {
		t.Errorf("goes on behind %+v", last)
	}
	// One that did not become whole.
	if err := os.WriteFile(filepath.Join(dir, "records-0002.parquet.partial"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	last := export(t, recordexport.Parquet, name, true, all[2:])
	if last == nil || last.BillingKey != all[1].BillingKey || last.ID != 1 || !last.RequestTime.Equal(all[1].RequestTime) {
		t.Errorf("goes on behind %+v", last)
	}
	if last := export(t, recordexport.Parquet, name, true, nil); last.ID != 4 {
		t.Errorf("goes on behind %+v", last)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%q, %v", files, err)
	}
	var got []ledger.Exported
	for _, file := range files {
		part, err := parquet.ReadFile[ledger.Exported](file)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, part...)
	}
	for i, r := range got {
		if r.BillingKey != all[i].BillingKey || *r.URI != *all[i].URI || *r.StampSequence != *all[i].StampSequence || r.ServiceID != nil ||
			*r.Consumer != "" || *r.Quantities != *all[i].Quantities || r.TotalTokens != all[i].TotalTokens {
			t.Errorf("%+v, want %+v", r, all[i])
		}
	}
	if len(got) != 5 {
		t.Errorf("%d records in %q", len(got), files)
	}
}

// What is there is not written over, and what is no export not gone on with.
func TestFilesThatAreThere(t *testing.T) {
	for _, form := range []recordexport.Form{recordexport.NDJSON, recordexport.CSV, recordexport.Parquet} {
		name := filepath.Join(t.TempDir(), "records")
		export(t, form, name, false, records(1))
		if _, _, err := recordexport.ToFile(form, name, false); !errors.Is(err, recordexport.ErrExists) {
			t.Errorf("%s: %v", form, err)
		}
		if form == recordexport.Parquet {
			name += "-0001.parquet"
		}
		if err := os.WriteFile(name, []byte("{\"other\":1}\nthings\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := recordexport.ToFile(form, strings.TrimSuffix(name, "-0001.parquet"), true); err == nil {
			t.Errorf("%s goes on with what is no export", form)
		}
		text, err := os.ReadFile(name)
		if err != nil || !slices.Equal(text, []byte("{\"other\":1}\nthings\n")) {
			t.Errorf("%s changed it: %q, %v", form, text, err)
		}
	}
}
