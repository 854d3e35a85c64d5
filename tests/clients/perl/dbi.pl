# SPDX-License-Identifier: GPL-2.0-or-later
#
# The job of ../README.md with DBI and DBD::mysql or DBD::MariaDB, both with text statements
# and with statements prepared at the server.  The drivers take the same options under
# prefixes of their own; DBD::mysql hands out bytes, DBD::MariaDB characters.
use strict;
use warnings;
use utf8;
use DBI qw(:sql_types);
use Encode qw(encode_utf8);

$| = 1;
my ($port, $tls_port, $ca, $name, $kind, $driver) = @ARGV;
my $prefix = lc $driver;
my $columns = 'id, word, big, amount, moment, day, data';
my $word = "žluť 🐬 日本 ' \" \\ % ; -- \n\t\0";
$word = encode_utf8($word) if $driver eq 'mysql';

my @rows = (
    [1, 'plain', 42, '0.5000000000', '2024-02-29 23:59:59.123456', '1000-01-01',
        join('', map { chr } 0 .. 255)],
    [2, $word, '18446744073709551615', '-12345678901234567890.0123456789',
        '9999-12-31 00:00:00.000000', '9999-12-31', "\0\xff'\\" x 786432],
    [3, '', 0, '0.0000000000', '1970-01-01 00:00:01.000000', '2000-02-29', ''],
    [4, (undef) x 6],
);

sub login
{
    my ($tls, $prepare, %options) = @_;
    my $dsn = "DBI:$driver:database=app;host=127.0.0.1;port=" . ($tls ? $tls_port : $port) .
        ";${prefix}_server_prepare=$prepare";
    $dsn .= ";${prefix}_ssl=1;${prefix}_ssl_ca_file=$ca" if $tls;
    $dsn .= ';mysql_ssl_optional=1' if $tls && $driver eq 'mysql';   # else it has none
    return DBI->connect($dsn, 'app', 'app secret',
        { RaiseError => 1, PrintError => 0, AutoCommit => 1, %options });
}

sub shown
{
    my ($value) = @_;
    return '[' . join(', ', map { shown($_) } @$value) . ']' if ref $value;
    return defined $value ? "'$value'" : 'NULL';
}

sub expect
{
    my ($actual, $expected) = map { shown($_) } @_;
    return if $actual eq $expected;
    die 'line ', (caller)[2], ': expected ', substr($expected, 0, 300), ', got ',
        substr($actual, 0, 300), "\n";
}

sub make_tables
{
    my ($db) = @_;
    $db->do("DROP TABLE IF EXISTS $name, ${name}_digits");
    $db->do("CREATE TABLE $name (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(100)
        CHARACTER SET utf8mb4, big BIGINT UNSIGNED, amount DECIMAL(30, 10),
        moment DATETIME(6), day DATE, data MEDIUMBLOB)");
    $db->do("CREATE TABLE ${name}_digits (d INT PRIMARY KEY)");
    $db->do("INSERT INTO ${name}_digits VALUES " . join(', ', map { "($_)" } 0 .. 9));
}

sub values_come_back
{
    my ($db) = @_;
    $db->do('SET NAMES utf8mb4') if $driver eq 'mysql';
    my $insert = $db->prepare("INSERT INTO $name ($columns) VALUES (?, ?, ?, ?, ?, ?, ?)");
    for my $row (@rows) {
        $insert->bind_param($_, $row->[$_ - 1]) for 1 .. 6;
        $insert->bind_param(7, $row->[6], SQL_BLOB);
        $insert->execute;
    }
    my $select = $db->prepare("SELECT $columns FROM $name WHERE id >= ? ORDER BY id");
    $select->execute(1);
    expect($select->fetchall_arrayref, \@rows);
}

sub counts
{
    my ($db) = @_;
    expect($db->do("INSERT INTO $name (word) VALUES ('five')"), 1);
    expect($db->last_insert_id(undef, undef, undef, undef), 5);
    expect($db->do("UPDATE $name SET big = ? WHERE id >= ?", undef, 7, 4), 2);
    expect($db->do("DELETE FROM $name WHERE id > 1"), 4);
}

sub repeat
{
    my ($db) = @_;
    my $insert = $db->prepare("INSERT INTO $name (word, big) VALUES (?, ?)");
    my $select = $db->prepare("SELECT word, big FROM $name WHERE id = ?");
    for my $n (1 .. 50) {
        my @row = ($n % 5 ? "row $n" : undef, $n % 7 ? $n : undef);
        $insert->execute(@row);
        $select->execute($insert->last_insert_id(undef, undef, undef, undef));
        expect($select->fetchall_arrayref, [\@row]);
    }
    expect($db->do("DELETE FROM $name WHERE id > 5"), 50);
}

sub transactions
{
    my ($db) = @_;
    my $count = $db->prepare("SELECT COUNT(*) FROM $name WHERE word = ?");
    for my $case (['lost', 'rollback', 0], ['kept', 'commit', 1]) {
        my ($word, $end, $left) = @$case;
        $db->begin_work;
        $db->do("INSERT INTO $name (word) VALUES (?)", undef, $word);
        expect($db->selectall_arrayref($count, undef, $word), [[1]]);
        $db->$end;
        expect($db->selectall_arrayref($count, undef, $word), [[$left]]);
    }
}

sub errors
{
    my ($db) = @_;
    for my $case ([1146, 'SELECT * FROM nowhere'], [1064, 'SELEC 1'],
                  [1062, "INSERT INTO $name (id) VALUES (1)"]) {
        my ($number, $sql) = @$case;
        eval { $db->prepare($sql)->execute; 1 } and die "no error $number";
        expect($db->err, $number);
        expect($db->selectrow_array("SELECT 'alive'"), 'alive');
    }
}

sub many
{
    my ($db) = @_;
    my $rows = $db->selectall_arrayref("SELECT a.d * 1000 + b.d * 100 + c.d * 10 + d.d AS n,
        REPEAT('x', 100) FROM ${name}_digits a, ${name}_digits b, ${name}_digits c,
        ${name}_digits d ORDER BY n");
    expect($rows, [map { [$_, 'x' x 100] } 0 .. 9999]);
}

sub multi
{
    my ($tls) = @_;
    my $db = login($tls, 0, "${prefix}_multi_statements" => 1);
    $db->do("DROP PROCEDURE IF EXISTS ${name}_two");
    $db->do("CREATE PROCEDURE ${name}_two(a INT) BEGIN SELECT a; SELECT a + 1; END");
    for my $case (['SELECT 1; SELECT 2', 1, 2], ["CALL ${name}_two(5)", 5, 6]) {
        my ($sql, @expected) = @$case;
        my $statement = $db->prepare($sql);
        $statement->execute;
        expect($statement->fetchall_arrayref, [[$expected[0]]]);
        $statement->more_results or die "one result of $sql";
        expect($statement->fetchall_arrayref, [[$expected[1]]]);
        $statement->finish;
    }
    $db->do("DROP PROCEDURE ${name}_two");
    $db->disconnect;
}

sub several
{
    my ($tls, $prepare) = @_;
    my @connections = map { login($tls, $prepare) } 1 .. 8;
    for my $round (1 .. 5) {
        $connections[$_]->do("INSERT INTO $name (big) VALUES (?)", undef, 100 + $_)
            for 0 .. 7;
    }
    for my $n (0 .. 7) {
        expect($connections[$n]->selectall_arrayref(
            "SELECT COUNT(*) FROM $name WHERE big = ?", undef, 100 + $n), [[5]]);
        $connections[$n]->disconnect;
    }
}

sub reads
{
    my ($tls, $prepare) = @_;
    my $db = login($tls, $prepare);
    my $where = $db->prepare('SELECT @@server_id');
    for (1 .. 20) {
        $where->execute;
        print $prepare ? 'prepared ' : 'text ', $where->fetchrow_array, "\n";
        $where->finish;
    }
    undef $where;
    $db->disconnect;
}

for my $case ([0, 0], [1, 1]) {
    my ($tls, $prepare) = @$case;
    my $db = login($tls, $prepare);
    make_tables($db);
    $_->($db) for \&values_come_back, \&counts, \&repeat, \&transactions, \&errors, \&many;
    multi($tls);
    several($tls, $prepare);
    reads($tls, $prepare);
    $db->do("DROP TABLE $name, ${name}_digits");
    $db->disconnect;
}
print "done\n";
