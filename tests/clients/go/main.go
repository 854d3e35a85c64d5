// SPDX-License-Identifier: GPL-2.0-or-later

// The job of ../README.md with go-sql-driver.  database/sql keeps a pool, so what
// belongs together runs on one sql.Conn.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"log"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

const columns = "id, word, big, amount, moment, day, data"

var (
	ctx                 = context.Background()
	port, tlsPort, name string
)

type row struct {
	id     int
	word   sql.NullString
	big    *uint64
	amount sql.NullString
	moment sql.NullTime
	day    sql.NullTime
	data   []byte
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

func date(y, mo, d, h, mi, s, ns int) sql.NullTime {
	at := time.Date(y, time.Month(mo), d, h, mi, s, ns, time.UTC)
	return sql.NullTime{Time: at, Valid: true}
}

func number(n uint64) *uint64 { return &n }

func rows() []row {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return []row{
		{1, text("plain"), number(42), text("0.5000000000"),
			date(2024, 2, 29, 23, 59, 59, 123456000),
			date(1000, 1, 1, 0, 0, 0, 0), all},
		{2, text("žluť 🐬 日本 ' \" \\ % ; -- \n\t\x00"), number(1<<64 - 1),
			text("-12345678901234567890.0123456789"),
			date(9999, 12, 31, 0, 0, 0, 0), date(9999, 12, 31, 0, 0, 0, 0),
			[]byte(strings.Repeat("\x00\xff'\\", 786432))},
		{3, text(""), number(0), text("0.0000000000"), date(1970, 1, 1, 0, 0, 1, 0),
			date(2000, 2, 29, 0, 0, 0, 0), []byte{}},
		{id: 4},
	}
}

func must(err error) {
	if err != nil {
		log.Output(2, err.Error())
		os.Exit(1)
	}
}

func expect(actual, expected interface{}) {
	if !reflect.DeepEqual(actual, expected) {
		log.Output(2, fmt.Sprintf("expected %.300q, got %.300q",
			fmt.Sprint(expected), fmt.Sprint(actual)))
		os.Exit(1)
	}
}

// A pool that prepares at the server, or one that puts parameters into the text.
func open(withTLS, prepared bool) *sql.DB {
	use := port
	options := "parseTime=true&multiStatements=true" +
		"&collation=utf8mb4_general_ci&maxAllowedPacket=0"
	if withTLS {
		use = tlsPort
		options += "&tls=test"
	}
	if !prepared {
		options += "&interpolateParams=true"
	}
	db, err := sql.Open("mysql", "app:app secret@tcp(127.0.0.1:"+use+")/app?"+options)
	must(err)
	return db
}

func do(c *sql.Conn, query string, args ...interface{}) (affected, id int64) {
	result, err := c.ExecContext(ctx, query, args...)
	if err != nil {
		log.Output(2, err.Error()+" in "+query[:min(len(query), 80)])
		os.Exit(1)
	}
	affected, err = result.RowsAffected()
	must(err)
	id, err = result.LastInsertId()
	must(err)
	return
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func one(c *sql.Conn, query string, args ...interface{}) (value int) {
	must(c.QueryRowContext(ctx, query, args...).Scan(&value))
	return
}

func makeTables(c *sql.Conn) {
	do(c, "DROP TABLE IF EXISTS "+name+", "+name+"_digits")
	do(c, "CREATE TABLE "+name+` (id INT AUTO_INCREMENT PRIMARY KEY,
		word VARCHAR(100) CHARACTER SET utf8mb4, big BIGINT UNSIGNED,
		amount DECIMAL(30, 10), moment DATETIME(6), day DATE, data MEDIUMBLOB)`)
	do(c, "CREATE TABLE "+name+"_digits (d INT PRIMARY KEY)")
	affected, _ := do(c, "INSERT INTO "+name+"_digits"+
		" VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
	expect(affected, int64(10))
}

func values(c *sql.Conn) {
	for _, r := range rows() {
		var big interface{}
		if r.big != nil {
			big = *r.big
		}
		do(c, "INSERT INTO "+name+" ("+columns+") VALUES (?, ?, ?, ?, ?, ?, ?)",
			r.id, r.word, big, r.amount, r.moment, r.day, r.data)
	}
	result, err := c.QueryContext(ctx,
		"SELECT "+columns+" FROM "+name+" WHERE id >= ? ORDER BY id", 1)
	must(err)
	for _, want := range rows() {
		var r row
		if !result.Next() {
			log.Fatal("too few rows: ", result.Err())
		}
		must(result.Scan(&r.id, &r.word, &r.big, &r.amount, &r.moment, &r.day,
			&r.data))
		expect(r, want)
	}
	expect(result.Next(), false)
	must(result.Err())
}

func counts(c *sql.Conn) {
	affected, id := do(c, "INSERT INTO "+name+" (word) VALUES (?)", "five")
	expect([]int64{affected, id}, []int64{1, 5})
	affected, _ = do(c, "UPDATE "+name+" SET big = ? WHERE id >= ?", 7, 4)
	expect(affected, int64(2))
	affected, _ = do(c, "DELETE FROM "+name+" WHERE id > ?", 1)
	expect(affected, int64(4))
}

func repeat(c *sql.Conn) {
	insert, err := c.PrepareContext(ctx,
		"INSERT INTO "+name+" (word, big) VALUES (?, ?)")
	must(err)
	query, err := c.PrepareContext(ctx, "SELECT word, big FROM "+name+" WHERE id = ?")
	must(err)
	for n := 1; n <= 50; n++ {
		word := text(fmt.Sprint("row ", n))
		big := sql.NullInt64{Int64: int64(n), Valid: true}
		if n%5 == 0 {
			word = sql.NullString{}
		}
		if n%7 == 0 {
			big = sql.NullInt64{}
		}
		result, err := insert.Exec(word, big)
		must(err)
		id, err := result.LastInsertId()
		must(err)
		var wordBack sql.NullString
		var bigBack sql.NullInt64
		must(query.QueryRow(id).Scan(&wordBack, &bigBack))
		expect(wordBack, word)
		expect(bigBack, big)
	}
	must(insert.Close())
	must(query.Close())
	affected, _ := do(c, "DELETE FROM "+name+" WHERE id > 5")
	expect(affected, int64(50))
}

func transactions(c *sql.Conn) {
	count := "SELECT COUNT(*) FROM " + name + " WHERE word = ?"
	statement, err := c.PrepareContext(ctx, count)
	must(err)
	for word, left := range map[string]int{"lost": 0, "kept": 1} {
		tx, err := c.BeginTx(ctx, nil)
		must(err)
		_, err = tx.Exec("INSERT INTO "+name+" (word) VALUES (?)", word)
		must(err)
		var inside int
		must(tx.Stmt(statement).QueryRow(word).Scan(&inside))
		expect(inside, 1)
		if left == 0 {
			must(tx.Rollback())
		} else {
			must(tx.Commit())
		}
		expect(one(c, count, word), left)
	}
	must(statement.Close())
}

func errors(c *sql.Conn) {
	for number, query := range map[uint16]string{
		1146: "SELECT * FROM nowhere WHERE 1 = ?",
		1064: "SELEC ?",
		1062: "INSERT INTO " + name + " (id) VALUES (?)",
	} {
		_, err := c.ExecContext(ctx, query, 1)
		failure, ok := err.(*mysql.MySQLError)
		if !ok {
			log.Fatalf("expected error %d, got %v", number, err)
		}
		expect(failure.Number, number)
		expect(one(c, "SELECT 7"), 7)
	}
}

func many(c *sql.Conn) {
	d := name + "_digits"
	result, err := c.QueryContext(ctx,
		"SELECT a.d * 1000 + b.d * 100 + c.d * 10 + d.d AS n, REPEAT('x', ?) FROM "+d+" a, "+d+" b, "+d+" c, "+d+" d ORDER BY n", 100)
	must(err)
	n := 0
	for ; result.Next(); n++ {
		var value int
		var filler string
		must(result.Scan(&value, &filler))
		expect(value, n)
		expect(len(filler), 100)
	}
	must(result.Err())
	expect(n, 10000)
}

func multi(c *sql.Conn) {
	do(c, "DROP PROCEDURE IF EXISTS "+name+"_two")
	do(c, "CREATE PROCEDURE "+name+"_two(a INT) BEGIN SELECT a; SELECT a + 1; END")
	for _, query := range []string{"SELECT 5; SELECT 6", "CALL " + name + "_two(5)"} {
		result, err := c.QueryContext(ctx, query)
		must(err)
		var seen []int
		for more := true; more; more = result.NextResultSet() {
			for result.Next() {
				var value int
				must(result.Scan(&value))
				seen = append(seen, value)
			}
		}
		must(result.Err())
		expect(seen, []int{5, 6})
	}
	do(c, "DROP PROCEDURE "+name+"_two")
}

func several(db *sql.DB) {
	var group sync.WaitGroup
	for n := 0; n < 8; n++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			c, err := db.Conn(ctx)
			must(err)
			defer c.Close()
			for i := 0; i < 5; i++ {
				do(c, "INSERT INTO "+name+" (big) VALUES (?)", 100+n)
			}
			count := "SELECT COUNT(*) FROM " + name + " WHERE big = ?"
			expect(one(c, count, 100+n), 5)
		}(n)
	}
	group.Wait()
}

func reads(withTLS, prepared bool) {
	db := open(withTLS, prepared)
	defer db.Close()
	how, query := "text", "SELECT @@server_id"
	statement, err := db.Prepare(query)
	must(err)
	for n := 0; n < 20; n++ {
		var server int
		if prepared {
			how = "prepared"
			must(statement.QueryRow().Scan(&server))
		} else {
			must(db.QueryRow(query).Scan(&server))
		}
		fmt.Println(how, server)
	}
	must(statement.Close())
}

func main() {
	log.SetFlags(log.Lshortfile)
	port, tlsPort, name = os.Args[1], os.Args[2], os.Args[4]
	pem, err := os.ReadFile(os.Args[3])
	must(err)
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(pem)
	must(mysql.RegisterTLSConfig("test", &tls.Config{RootCAs: authorities}))

	for _, both := range []bool{false, true} {
		db := open(both, both)
		c, err := db.Conn(ctx)
		must(err)
		makeTables(c)
		parts := []func(*sql.Conn){
			values, counts, repeat, transactions, errors, many, multi}
		for _, part := range parts {
			part(c)
		}
		several(db)
		reads(both, both)
		do(c, "DROP TABLE "+name+", "+name+"_digits")
		must(c.Close())
		must(db.Close())
	}
	fmt.Println("done")
}
