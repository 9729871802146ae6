package recordexport

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
)

// unknown stands for a value that is not known; an empty field is one that is known to be empty.
const unknown = `\N`

// table writes CSV.
type table struct {
	out  *csv.Writer
	file *os.File // nil for a stream
}

func newTable(w io.Writer, file *os.File, head bool) (*table, error) {
	t := &table{csv.NewWriter(w), file}
	if head {
		if err := t.out.Write(header()); err != nil {
			return nil, err
		}
		t.out.Flush()
	}
	return t, t.out.Error()
}

func (t *table) Write(page []ledger.Exported) error {
	for i := range page {
		if err := t.out.Write(toRow(&page[i])); err != nil {
			return err
		}
	}
	t.out.Flush()
	return t.out.Error()
}

func (t *table) Close() error { return finish(t.file) }

// header names the columns as NDJSON names its members.
func header() (names []string) {
	for field := range reflect.TypeFor[ledger.Exported]().Fields() {
		names = append(names, field.Tag.Get("json"))
	}
	return names
}

func toRow(r *ledger.Exported) []string {
	v := reflect.ValueOf(r).Elem()
	row := make([]string, v.NumField())
	for i := range row {
		row[i] = toField(v.Field(i))
	}
	return row
}

func toField(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return unknown
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format("2006-01-02T15:04:05.000Z")
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	default:
		return fmt.Sprint(x)
	}
}

// fromRow reads back what an export goes on behind.
func fromRow(row []string) (*ledger.Exported, error) {
	names := header()
	field := func(name string) string {
		if i := slices.Index(names, name); i < len(row) {
			return row[i]
		}
		return ""
	}
	id, errID := strconv.ParseInt(field("id"), 10, 64)
	requested, errRequested := time.Parse(time.RFC3339, field("request_time"))
	created, errCreated := time.Parse(time.RFC3339, field("create_time"))
	if len(row) != len(names) || errors.Join(errID, errRequested, errCreated) != nil {
		return nil, errors.New("its last line is no exported record")
	}
	return &ledger.Exported{
		ID: id, BillingKey: field("billing_key"), KeySource: field("key_source"), RequestTime: requested, CreateTime: created,
	}, nil
}
