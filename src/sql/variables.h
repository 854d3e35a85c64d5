/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of system variables and system tables by name. */
#ifndef READMUX_SRC_SQL_VARIABLES_H
#define READMUX_SRC_SQL_VARIABLES_H

#include <readmux/base/span.h>

#include "word.h"

/* What reading a variable means. */
enum variable_meaning {
	VARIABLE_PLAIN,
	VARIABLE_ROLE,		/* differs between primary and replica */
	VARIABLE_INSERT_ID,
	VARIABLE_PREVIOUS,	/* about the statement before */
	VARIABLE_CONNECTION_ID,
	VARIABLE_READMUX,	/* readmux's own */
	VARIABLE_TRACKER,	/* readmux sets it for itself, besides what the session wants */
};

enum variable_meaning variable_read(struct span name);

/* What setting a session variable means besides its new value. */
enum variable_effect {
	VARIABLE_SETS,		/* nothing else */
	VARIABLE_SETS_LEXING,	/* what follows in the text may be read differently */
	VARIABLE_SETS_ONCE,	/* used up by the next statement or transaction */
	VARIABLE_SETS_TIED,	/* nobody can set it again elsewhere, or should */
	VARIABLE_SETS_COMMIT,	/* may commit the transaction that is open */
};

enum variable_effect variable_set(struct span name);

/* Does the pattern of SHOW VARIABLES ask for session_track_... ? */
bool variable_pattern_is_tracker(struct span pattern);

/* Does the pattern of SHOW VARIABLES or SHOW STATUS ask for what VARIABLE_ROLE means? */
bool variable_pattern_is_role(struct span pattern);

/* What reading the table <table> of <schema> means: of this server alone, or
 * about the statement before. */
enum table_meaning { TABLE_PLAIN, TABLE_OF_SERVER, TABLE_PREVIOUS };

/* There is something to say about tables of <schema>. */
bool table_schema(enum sql_word schema);
enum table_meaning table_read(enum sql_word schema, struct span table);

#endif
