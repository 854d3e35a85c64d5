# SPDX-License-Identifier: GPL-2.0-or-later
#
# The job of ../README.md with mysql2.

require 'bigdecimal'
require 'mysql2'

$stdout.sync = true
PORT, TLS_PORT, CA, NAME, KIND = ARGV
COLUMNS = 'id, word, big, amount, moment, day, data'
ROWS = [
  [1, 'plain', 42, BigDecimal('0.5'),
   Time.utc(2024, 2, 29, 23, 59, Rational(59_123_456, 1_000_000)),
   Date.new(1999, 1, 1), (0..255).map(&:chr).join.b],
  [2, "žluť 🐬 日本 ' \" \\ % ; -- \n\t\0", 2**64 - 1,
   BigDecimal('-12345678901234567890.0123456789'), Time.utc(9999, 12, 31), Date.new(9999, 12, 31), "\0\xff'\\".b * 786_432],
  [3, '', 0, BigDecimal('0'), Time.utc(1970, 1, 1, 0, 0, 1), Date.new(2000, 2, 29), ''.b],
  [4, nil, nil, nil, nil, nil, nil]
].freeze

ROWS_AS = { as: :array, database_timezone: :utc, application_timezone: :utc }.freeze

def login(tls, flags = [])
  options = { host: '127.0.0.1', port: (tls ? TLS_PORT : PORT).to_i, username: 'app',
              password: 'app secret', database: 'app', encoding: 'utf8mb4', flags: flags,
              **ROWS_AS }
  options.merge!(sslca: CA, sslverify: true) if tls
  Mysql2::Client.new(options)
end

def expect(actual, expected)
  return if actual == expected

  raise "expected #{expected.inspect[0, 300]}, got #{actual.inspect[0, 300]}"
end

# A connection that runs its statements as text, or prepared.
Session = Struct.new(:db, :prepared) do
  def run(sql, *values)
    return db.query(with_values(sql, values)) unless prepared

    @statements ||= {}
    (@statements[sql] ||= db.prepare(sql)).execute(*values, **ROWS_AS)
  end

  def rows(sql, *values)
    run(sql, *values).to_a
  end

  def affected(sql, *values)
    run(sql, *values)
    prepared ? @statements[sql].affected_rows : db.affected_rows
  end

  def last_id(sql)
    prepared ? @statements[sql].last_id : db.last_id
  end

  private

  def with_values(sql, values)
    values = values.dup
    sql.b.gsub('?') { literal(values.shift).b }
  end

  def literal(value)
    case value
    when nil then 'NULL'
    when Integer then value.to_s
    when BigDecimal then value.to_s('F')
    when Time then value.strftime("'%F %T.%6N'")
    else
      return "x'#{value.unpack1('H*')}'" if value.to_s.encoding == Encoding::BINARY

      "'#{db.escape(value.to_s)}'"
    end
  end
end

def make_tables(session)
  session.run("DROP TABLE IF EXISTS #{NAME}, #{NAME}_digits")
  session.run("CREATE TABLE #{NAME} (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(100)" \
              ' CHARACTER SET utf8mb4, big BIGINT UNSIGNED, amount DECIMAL(30, 10),' \
              ' moment DATETIME(6), day DATE, data MEDIUMBLOB)')
  session.run("CREATE TABLE #{NAME}_digits (d INT PRIMARY KEY)")
  digits = (0..9).map { |d| "(#{d})" }.join(',')
  expect(session.affected("INSERT INTO #{NAME}_digits VALUES #{digits}"), 10)
end

def values(session)
  insert = "INSERT INTO #{NAME} (#{COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
  ROWS.each { |row| session.run(insert, *row) }
  expect(session.rows("SELECT #{COLUMNS} FROM #{NAME} ORDER BY id"), ROWS)
end

def counts(session)
  insert = "INSERT INTO #{NAME} (word) VALUES (?)"
  expect(session.affected(insert, 'five'), 1)
  expect(session.last_id(insert), 5)
  expect(session.affected("UPDATE #{NAME} SET big = ? WHERE id >= ?", 7, 4), 2)
  expect(session.affected("DELETE FROM #{NAME} WHERE id > ?", 1), 4)
end

def repeat(session)
  insert = "INSERT INTO #{NAME} (word, big) VALUES (?, ?)"
  select = "SELECT word, big FROM #{NAME} WHERE id = ?"
  (1..50).each do |n|
    row = [(n % 5).zero? ? nil : "row #{n}", (n % 7).zero? ? nil : n]
    session.run(insert, *row)
    expect(session.rows(select, session.last_id(insert)), [row])
  end
  expect(session.affected("DELETE FROM #{NAME} WHERE id > ?", 5), 50)
end

def transactions(session)
  count = "SELECT COUNT(*) FROM #{NAME} WHERE word = ?"
  [['lost', 'ROLLBACK', 0], ['kept', 'COMMIT', 1]].each do |word, finish, left|
    session.db.query('BEGIN')
    session.run("INSERT INTO #{NAME} (word) VALUES (?)", word)
    expect(session.rows(count, word), [[1]])
    session.db.query(finish)
    expect(session.rows(count, word), [[left]])
  end
end

def errors(session)
  { 1146 => 'SELECT * FROM nowhere', 1064 => 'SELEC 1',
    1062 => "INSERT INTO #{NAME} (id) VALUES (1)" }.each do |number, sql|
    begin
      session.run(sql)
    rescue Mysql2::Error => e
      expect(e.error_number, number)
    else
      raise "no error #{number}"
    end
    expect(session.rows("SELECT 'alive'"), [['alive']])
  end
end

def many(session)
  from = %w[a b c d].map { |d| "#{NAME}_digits #{d}" }.join(', ')
  rows = session.rows('SELECT a.d * 1000 + b.d * 100 + c.d * 10 + d.d AS n, ' \
                      "REPEAT('x', 100) FROM #{from} ORDER BY n")
  expect(rows, (0..9999).map { |n| [n, 'x' * 100] })
end

def multi(tls)
  db = login(tls, ['MULTI_STATEMENTS'])
  db.query("DROP PROCEDURE IF EXISTS #{NAME}_two")
  db.query("CREATE PROCEDURE #{NAME}_two(a INT) BEGIN SELECT a; SELECT a + 1; END")
  ['SELECT 5; SELECT 6', "CALL #{NAME}_two(5)"].each do |sql|
    seen = [db.query(sql).to_a]
    while db.next_result
      result = db.store_result
      seen << result.to_a if result
    end
    expect(seen, [[[5]], [[6]]])
  end
  db.query("DROP PROCEDURE #{NAME}_two")
  db.close
end

def several(tls, prepared)
  threads = (100..107).map do |number|
    Thread.new do
      session = Session.new(login(tls), prepared)
      5.times { session.run("INSERT INTO #{NAME} (big) VALUES (?)", number) }
      count = session.rows("SELECT COUNT(*) FROM #{NAME} WHERE big = ?", number)
      session.db.close
      count
    end
  end
  expect(threads.map(&:value), [[[5]]] * 8)
end

def reads(tls, prepared)
  session = Session.new(login(tls), prepared)
  how = prepared ? 'prepared' : 'text'
  20.times { puts "#{how} #{session.rows('SELECT @@server_id')[0][0]}" }
  session.db.close
end

[[false, false], [true, true]].each do |tls, prepared|
  session = Session.new(login(tls), prepared)
  parts = %i[make_tables values counts repeat transactions errors many]
  parts.each { |part| send(part, session) }
  multi(tls)
  several(tls, prepared)
  reads(tls, prepared)
  session.run("DROP TABLE #{NAME}, #{NAME}_digits")
  session.db.close
end
puts 'done'
