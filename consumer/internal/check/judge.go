package check

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
)

const ntpCure = "run NTP on both machines"

// judge says what a database's facts mean.
func judge(r *report, f ledger.Facts, cfg config.Config) {
	version(r, f.Version)
	mode(r, f.Variables)
	if problems := Session(f); len(problems) > 0 {
		r.fail("database.session", "connect to the server itself, or have what is between (a proxy, a pooler) keep the settings of a session",
			"what the ledger sets is not in force: %s", strings.Join(problems, "; "))
	} else {
		r.ok("database.session", "UTC, strict, utf8mb4_bin, READ COMMITTED, as the ledger sets it")
	}
	packet(r, f.Variables["max_allowed_packet"], cfg.Batch.MaxBytes)
	durability(r, f.Variables)
	rights(r, f)
	schema(r, f)
	if skew := f.Ahead.Abs(); skew > maxSkew+f.RoundTrip {
		r.warn("database.clock", ntpCure, "the server's clock is %s ahead of this machine's: ages (retention, create_time) go by it",
			f.Ahead.Round(time.Second))
	} else {
		r.ok("database.clock", "within %s of this machine's", maxSkew)
	}
}

var versionForm = regexp.MustCompile(`^(\d+)\.(\d+)`)

func version(r *report, text string) {
	const check = "database.version"
	const cure = "upgrade to MySQL 8 or MariaDB 10.11, or later"
	form := versionForm.FindStringSubmatch(text)
	if form == nil {
		r.warn(check, "test well, or take MySQL 8 or MariaDB 10.11, or later", "%q is of a form that is not known", text)
		return
	}
	major, majorErr := strconv.Atoi(form[1])
	minor, minorErr := strconv.Atoi(form[2])
	number := major*1000 + minor
	isMariaDB := strings.Contains(text, "MariaDB")
	switch {
	case majorErr != nil || minorErr != nil:
		r.warn(check, cure, "%s", text)
	case isMariaDB && number < 10_006, !isMariaDB && number < 8_000: // FOR UPDATE SKIP LOCKED
		r.fail(check, cure, "%s lacks what the ledger's statements need", text)
	case isMariaDB && number < 10_011:
		r.warn(check, cure, "%s is older than what this consumer is tested with", text)
	default:
		r.ok(check, "%s", text)
	}
}

// on says whether a variable is switched on, whichever word the server has for it.
func on(value string) bool {
	switch strings.ToUpper(value) {
	case "", "0", "OFF", "NO", "FALSE":
		return false
	}
	return true
}

// mode finds servers that take no writes.
func mode(r *report, variables map[string]string) {
	for _, name := range []string{"read_only", "super_read_only", "innodb_read_only", "offline_mode"} {
		if on(variables[name]) {
			r.fail("database.mode", "point mysql.dsn at the primary, or SET GLOBAL "+name+" = OFF where this one is meant to be it",
				"%s is on: it is a replica, or closed for maintenance", name)
			return
		}
	}
	if on(variables["log_bin"]) && strings.EqualFold(variables["binlog_format"], "STATEMENT") {
		r.fail("database.mode", "SET GLOBAL binlog_format = 'ROW' (and in its configuration file)",
			"binlog_format is STATEMENT: the server refuses the ledger's transactions, which are READ COMMITTED")
		return
	}
	r.ok("database.mode", "takes writes")
}

// Session says what of a session's settings is not as the ledger sets them: then times or counts would be wrong without an
// error.
func Session(f ledger.Facts) (problems []string) {
	if f.ZoneOffset != 0 {
		problems = append(problems, fmt.Sprintf("its time is %s from UTC (time_zone %s)", f.ZoneOffset, f.Variables["time_zone"]))
	}
	if !strings.Contains(f.Variables["sql_mode"], "STRICT_ALL_TABLES") {
		problems = append(problems, "sql_mode is without STRICT_ALL_TABLES, so values would be cut silently")
	}
	for _, v := range [][2]string{{"character_set_connection", "utf8mb4"}, {"collation_connection", "utf8mb4_bin"}} {
		if got := f.Variables[v[0]]; got != v[1] {
			problems = append(problems, fmt.Sprintf("%s is %s, not %s", v[0], got, v[1]))
		}
	}
	if got := cmp.Or(f.Variables["transaction_isolation"], f.Variables["tx_isolation"]); got != "READ-COMMITTED" {
		problems = append(problems, "its transactions are "+got+", not READ-COMMITTED")
	}
	return problems
}

// goodPacket takes the largest message of a broker's default limit (4 MiB), escaped, beside the rest of its row.
const goodPacket = 16 << 20

func packet(r *report, text string, maxBytes int) {
	const check = "database.max_allowed_packet"
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		r.ok(check, "not known")
	case n < goodPacket:
		r.warn(check, fmt.Sprintf("SET GLOBAL max_allowed_packet = %d (and in its configuration file)", 4*goodPacket),
			"%d bytes: an entry whose row is larger becomes a dead letter, and statements are kept below it whatever batch.max_bytes (%d) says", n, maxBytes)
	default:
		r.ok(check, "%d bytes", n)
	}
}

func durability(r *report, variables map[string]string) {
	const check = "database.durability"
	flush, binlog := variables["innodb_flush_log_at_trx_commit"], variables["sync_binlog"]
	switch {
	case flush != "" && flush != "1":
		r.warn(check, "SET GLOBAL innodb_flush_log_at_trx_commit = 1 (and in its configuration file)",
			"innodb_flush_log_at_trx_commit is %s: a crash of its machine loses records that were acknowledged, and they do not come again", flush)
	case on(variables["log_bin"]) && binlog != "" && binlog != "1":
		r.warn(check, "SET GLOBAL sync_binlog = 1 (and in its configuration file)",
			"sync_binlog is %s: after a crash of its machine a replica that takes over may lack records", binlog)
	default:
		r.ok(check, "each commit is flushed")
	}
}

func rights(r *report, f ledger.Facts) {
	const check = "database.rights"
	switch {
	case len(f.Missing) > 0:
		r.fail(check, "GRANT them to the user (on the whole database: SELECT, INSERT, UPDATE, DELETE)", "user %s lacks %s", f.User, strings.Join(f.Missing, ", "))
	case f.Refused != nil:
		r.fail(check, "look at the server's error", "a statement that changes nothing is refused: %s", f.Refused)
	default:
		r.ok(check, "those that run needs")
	}
}

// shownProblems is how many differences of the tables a line names.
const shownProblems = 3

func schema(r *report, f ledger.Facts) {
	const check = "database.schema"
	switch {
	case errors.Is(f.Schema, ledger.ErrSchema):
		r.fail(check, "run `billing-consumer migrate up` of this version, or this newer version of the consumer where the schema is the newer one", "%s", f.Schema)
	case f.Schema != nil:
		r.fail(check, "GRANT SELECT on the database, or run `billing-consumer migrate up`", "%s", f.Schema)
	case len(f.Problems) > 0:
		shown := f.Problems[:min(len(f.Problems), shownProblems)]
		r.fail(check, "mend the tables; `billing-consumer migrate validate` lists every difference", "%s from what the migrations make: %s",
			count(len(f.Problems), "difference"), strings.Join(shown, "; "))
	case f.Newer:
		r.ok(check, "newer than this version, which can work on it")
	default:
		r.ok(check, "current")
	}
}
