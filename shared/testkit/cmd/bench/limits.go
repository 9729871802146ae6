package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

const (
	// limitRows is how many rows a statement and a transaction of the raw writer hold, limitWriters how many run at once.
	limitRows    = 500
	limitWriters = 4
)

// limitWriter writes the rows that a drain wrote once more, as fast as the database takes them: the same columns, indexes
// and bodies, with their sums, in multi-row statements of transactions on four connections, without broker or consumer.
func (b *bench) limitWriter(ctx context.Context, from target) (rate float64, err error) {
	source, err := sql.Open("mysql", from.dsn)
	if err != nil {
		return 0, err
	}
	defer source.Close()
	records, err := readTable(ctx, source, "mq_consume_log")
	if err != nil {
		return 0, err
	}
	sums, err := someSums(ctx, source)
	if err != nil {
		return 0, err
	}
	t, err := b.database(ctx)
	if err != nil {
		return 0, err
	}
	db, err := sql.Open("mysql", t.dsn+"&interpolateParams=true&maxAllowedPacket=0")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(limitWriters)
	db.SetMaxIdleConns(limitWriters)
	// What is sent is put together before the clock starts: the limit is the database's.
	var transactions [][]statement
	for i := 0; i < len(records.rows); i += limitRows {
		some := records
		some.rows = records.rows[i:min(i+limitRows, len(records.rows))]
		transactions = append(transactions, []statement{some.insert(), sums.insert()})
	}
	var next atomic.Int64
	var writing sync.WaitGroup
	failed := make(chan error, limitWriters)
	start := time.Now()
	for range limitWriters {
		writing.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(transactions) {
					return
				}
				if err := writeRaw(ctx, db, transactions[i]); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	writing.Wait()
	rate = float64(len(records.rows)) / time.Since(start).Seconds()
	select {
	case err := <-failed:
		return 0, err
	default:
		return rate, b.drop(ctx, t)
	}
}

// statement is a multi-row INSERT.
type statement struct {
	text string
	args []any
}

func writeRaw(ctx context.Context, db *sql.DB, statements []statement) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// table is rows of a table, without their ids.
type table struct {
	name    string
	columns []string
	rows    [][]any
}

// insert is one statement for all rows.
func (t table) insert() statement {
	group := "(?" + strings.Repeat(",?", len(t.columns)-1) + ")"
	all := statement{text: "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ",") + ") VALUES " + group + strings.Repeat(","+group, len(t.rows)-1)}
	for _, row := range t.rows {
		all.args = append(all.args, row...)
	}
	return all
}

// sumsOfOne is how many rows of sums a transaction writes whose requests are of one APISIX consumer, route, model and quarter of
// an hour.
const sumsOfOne = 1

// someSums are the sums that one transaction of a drain writes beside its rows. How many stand in the table depends on
// what was folded meanwhile, so they are taken from the folded ones.
func someSums(ctx context.Context, db *sql.DB) (t table, err error) {
	t = table{name: "usage_delta", columns: []string{
		"consumer", "route_id", "service_id", "model", "status_class", "billable", "unit", "quantity", "records", "usage_missing",
		"usage_partial", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens",
		"reasoning_tokens", "audio_tokens", "quarter",
	}}
	columns := strings.Join(t.columns[:len(t.columns)-1], ", ")
	rows, err := db.QueryContext(ctx, "SELECT "+columns+", hour FROM usage_hourly UNION ALL SELECT "+columns+", quarter FROM usage_delta LIMIT ?", sumsOfOne)
	if err != nil {
		return t, err
	}
	defer rows.Close()
	for rows.Next() {
		values, into := make([]any, len(t.columns)), make([]any, len(t.columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return t, err
		}
		for i, v := range values {
			if text, ok := v.([]byte); ok {
				values[i] = string(text)
			}
		}
		t.rows = append(t.rows, values)
	}
	if len(t.rows) == 0 && rows.Err() == nil {
		return t, errors.New("the drain left no sums to write")
	}
	return t, rows.Err()
}

func readTable(ctx context.Context, db *sql.DB, name string) (t table, err error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+name+" ORDER BY id")
	if err != nil {
		return t, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return t, err
	}
	t.name = name
	for _, column := range types[1:] {
		t.columns = append(t.columns, column.Name())
	}
	for rows.Next() {
		values, into := make([]any, len(types)), make([]any, len(types))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return t, err
		}
		for i, v := range values {
			if text, ok := v.([]byte); ok && types[i].DatabaseTypeName() != "BINARY" {
				values[i] = string(text)
			}
		}
		t.rows = append(t.rows, values[1:])
	}
	return t, rows.Err()
}

// transport reads a topic of single entries with a callback that does nothing: what broker and client allow by themselves.
func (b *bench) transport(ctx context.Context, topic string) (rate float64, err error) {
	return b.consume(ctx, topic, b.requests, 512, 64, func(*primitive.MessageExt) error { return nil })
}

// consume reads that many messages with the RocketMQ client, up to batch in a callback, and gives the rate from the first to
// the last.
func (b *bench) consume(ctx context.Context, topic string, messages, callbacks, batch int, do func(*primitive.MessageExt) error) (rate float64, err error) {
	group := b.name("group")
	if err := b.stack.RocketMQ.CreateGroup(ctx, group); err != nil {
		return 0, err
	}
	client, err := consumer.NewPushConsumer(
		consumer.WithNameServer(b.stack.RocketMQ.NameServers()), consumer.WithGroupName(group), consumer.WithInstance(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset), consumer.WithConsumeGoroutineNums(callbacks),
		consumer.WithPullBatchSize(64), consumer.WithConsumeMessageBatchMaxSize(batch),
	)
	if err != nil {
		return 0, err
	}
	var done, began atomic.Int64
	finished := make(chan error, 1)
	end := func(err error) {
		select {
		case finished <- err:
		default:
		}
	}
	start := time.Now()
	err = client.Subscribe(topic, consumer.MessageSelector{}, func(_ context.Context, all ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range all {
			began.CompareAndSwap(0, int64(time.Since(start)))
			if err := do(m); err != nil {
				end(err)
			}
			if done.Add(1) == int64(messages) {
				end(nil)
			}
		}
		return consumer.ConsumeSuccess, nil
	})
	if err != nil {
		return 0, err
	}
	if err := client.Start(); err != nil {
		return 0, err
	}
	select {
	case err = <-finished:
	case <-ctx.Done():
		err = ctx.Err()
	}
	rate = float64(messages) / (time.Since(start) - time.Duration(began.Load())).Seconds()
	if down := client.Shutdown(); err == nil && down != nil {
		err = fmt.Errorf("shutdown: %w", down)
	}
	return rate, err
}
