/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a text asks for what the session itself knows (ROW_COUNT(), CONNECTION_ID(), ...)
 * inside an expression, and the text that has the answers there.
 *
 *     SET @n = ROW_COUNT() + 1   ->   SET @n = IF(1,CAST(3 AS SIGNED),ROW_COUNT()) + 1
 *
 * The call stays where it was and is not asked: type, length and deprecation warnings of
 * the result are the server's own (seen on MariaDB 10.11 and MySQL 9.7).  A column of a select
 * list is named after its text, so one without a name of its own is given that text as its name.
 */
#ifndef READMUX_SQL_VALUES_H
#define READMUX_SQL_VALUES_H

#include <readmux/sql/connection.h>

#define SQL_PLACES_MAX 24u

struct sql_place {
	size_t  at, end;	/* of the call, or of the column's text */
	uint8_t value;		/* enum sql_session_value; OTHER: a name for the column goes behind <end> */
	bool    previous;	/* what it asks for is about the statement before the text */
};

struct sql_places {
	unsigned n;		/* in the order in which the text is to be changed */
	unsigned numbers;	/* ROW_COUNT and FOUND_ROWS that are asked for, in places or not */
	struct sql_place place[SQL_PLACES_MAX];
};

/*
 * The places in <sql> where a value may be put: those that certainly are evaluated when the text
 * runs, not the bodies of programs and views.  Values of the statement before are looked for in the
 * first statement of the text only.
 */
void sql_places_of(struct span sql, const struct sql_mode *mode, struct sql_places *places);

/* The values by enum sql_session_value, and which of them are known (1u << value). */
struct sql_values {
	uint32_t known;
	int64_t  value[SQL_SESSION_VALUES];
};

/*
 * Write <sql> with the known <values> in their <places> to <out>.  Gives its length, 0 when
 * there is no <room>.
 */
RMX_MUST_CHECK
size_t sql_write_values(struct span sql, const struct sql_places *places,
			const struct sql_values *values, uint8_t *out, size_t room);

#endif
