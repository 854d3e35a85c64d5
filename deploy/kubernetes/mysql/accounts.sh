#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced once by the image's start script, when mysql-0 has made its data; replicas get
# the accounts with the data.  docker_process_sql is that script's.
#
# readmux needs REPLICATION CLIENT to see how far a replica is, and SELECT on mysql.user
# to let applications log in without TLS where their password hashes allow that.

# A password as an SQL string.
quoted()
{
	local text=${1//\\/\\\\}
	printf "'%s'" "${text//\'/\'\'}"
}

docker_process_sql --database=mysql <<-END
	CREATE USER replication IDENTIFIED BY $(quoted "$REPLICATION_PASSWORD") REQUIRE SSL;
	GRANT REPLICATION SLAVE, BACKUP_ADMIN ON *.* TO replication;
	CREATE USER $(quoted "$PROBE_USER") IDENTIFIED BY $(quoted "$PROBE_PASSWORD");
	GRANT REPLICATION CLIENT ON *.* TO $(quoted "$PROBE_USER");
	GRANT SELECT ON mysql.user TO $(quoted "$PROBE_USER");
END
