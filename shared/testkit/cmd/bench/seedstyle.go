package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/go-sql-driver/mysql"
)

// seedTable is the table of a consumer that keys on msgId.
const seedTable = `CREATE TABLE mq_consume_log (
  id BIGINT NOT NULL AUTO_INCREMENT, msg_id VARCHAR(64) NOT NULL, topic VARCHAR(128) NOT NULL, tags VARCHAR(128) DEFAULT NULL,
  message_keys VARCHAR(128) DEFAULT NULL, body TEXT NOT NULL, route_id VARCHAR(64) NOT NULL, prompt_tokens INT NOT NULL DEFAULT 0,
  completion_tokens INT NOT NULL DEFAULT 0, total_tokens INT NOT NULL DEFAULT 0, create_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id), UNIQUE KEY ux_msg_id (msg_id), KEY idx_route_id (route_id), KEY idx_create_time (create_time)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci`

// seedCallbacks is how many messages that consumer works on at once.
const seedCallbacks = 20

// errDuplicate is the server's error for a msgId that is there.
const errDuplicate = 1062

// seedStyle reads a topic as such a consumer does: one insert a message, committed by itself, its duplicates skipped by the
// error of a unique msgId. It stands here to be measured beside, and is wrong: it bills what is sent again twice.
func (b *bench) seedStyle(ctx context.Context, topic string, messages int) (rate float64, err error) {
	t := target{database: b.name("db")}
	if t.dsn, err = b.stack.Database.CreateDatabase(ctx, t.database); err != nil {
		return 0, err
	}
	db, err := sql.Open("mysql", t.dsn+"&interpolateParams=true")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(seedCallbacks)
	db.SetMaxIdleConns(seedCallbacks)
	if _, err := db.ExecContext(ctx, seedTable); err != nil {
		return 0, err
	}
	rate, err = b.consume(ctx, topic, messages, seedCallbacks, 1, func(m *primitive.MessageExt) error { return seedInsert(ctx, db, m) })
	if err != nil {
		return 0, err
	}
	return rate, b.drop(ctx, t)
}

func seedInsert(ctx context.Context, db *sql.DB, m *primitive.MessageExt) error {
	var entry struct {
		RouteID  string `json:"route_id"`
		Response struct {
			Body string `json:"body"`
		} `json:"response"`
	}
	if err := json.Unmarshal(m.Body, &entry); err != nil {
		return fmt.Errorf("entry: %w", err)
	}
	var answer struct {
		Usage struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
			Total      int `json:"total_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal([]byte(entry.Response.Body), &answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	u := answer.Usage
	_, err := db.ExecContext(ctx, `INSERT INTO mq_consume_log (msg_id, topic, tags, message_keys, body, route_id, prompt_tokens,
		completion_tokens, total_tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		m.MsgId, m.Topic, m.GetTags(), m.GetKeys(), string(m.Body), entry.RouteID, u.Prompt, u.Completion, u.Total)
	if refused, ok := errors.AsType[*mysql.MySQLError](err); ok && refused.Number == errDuplicate {
		return nil
	}
	return err
}
