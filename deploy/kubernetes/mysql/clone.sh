#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Init container: gives a new replica its predecessor's data, and tells it to follow the
# primary.  It works beside the place where the server looks, and moves the data there when
# all is done: what was interrupted begins anew, and data that is there is never touched.
set -euo pipefail
set_name=${POD_NAME%-*}
ordinal=${POD_NAME##*-}
donor=$set_name-$((ordinal - 1)).mysql
primary=$set_name-0.mysql
work=/volume/cloning
socket=/tmp/clone.sock

say() { echo "clone: $*"; }

# A password as an SQL string.
quoted()
{
	local text=${1//\\/\\\\}
	printf "'%s'" "${text//\'/\'\'}"
}

# A server on the new data, for this script alone; returns when it answers.  Its root has
# the password $1.
start_server()
{
	export MYSQL_PWD=$1
	mysqld --datadir=$work --socket=$socket --pid-file=/tmp/clone.pid --skip-networking \
		--mysqlx=OFF --skip-replica-start --super-read-only=OFF --read-only=OFF &
	server=$!
	until mysql --socket=$socket --user=root --execute='DO 0' 2> /dev/null; do
		kill -0 $server || { say "the server has ended"; exit 1; }
		sleep 1
	done
}

sql() { mysql --socket=$socket --user=root --batch --skip-column-names --execute="$1"; }

mkdir -p /volume/mysql
if [ "$ordinal" = 0 ] || [ -d /volume/mysql/mysql ]; then
	say "nothing to do"
	exit 0
fi

say "the data of $donor"
rm -rf $work
mkdir $work
mysqld --initialize-insecure --datadir=$work
start_server ''
sql "SET GLOBAL clone_valid_donor_list = '$donor:3306'"
# It ends with the server: there is nobody to start it again, which is an error to it.
sql "CLONE INSTANCE FROM replication@'$donor':3306
	IDENTIFIED BY $(quoted "$REPLICATION_PASSWORD")" || true
wait $server || true

start_server "$MYSQL_ROOT_PASSWORD"
state=$(sql 'SELECT state FROM performance_schema.clone_status')
[ "$state" = Completed ] || { say "not completed: $state"; exit 1; }
say "follows $primary"
sql "RESET REPLICA ALL;
	CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$primary', SOURCE_USER = 'replication',
		SOURCE_PASSWORD = $(quoted "$REPLICATION_PASSWORD"), SOURCE_SSL = 1,
		SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 10, SOURCE_RETRY_COUNT = 100000"
sql SHUTDOWN
wait $server

rmdir /volume/mysql
mv $work /volume/mysql
say "done"
