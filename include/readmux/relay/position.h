/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places in the primary's history, as the servers write them: MariaDB's
 * "0-100-42" (domain, server, sequence; several are separated by commas), MySQL's
 * "3e11fa47-71ca-11e1-9e33-c80aa9429562:42", which here stands for everything of that
 * source up to 42, and without GTIDs a place in the binary log, "mysql-bin.000003:1542".
 */
#ifndef READMUX_RELAY_POSITION_H
#define READMUX_RELAY_POSITION_H

#include <readmux/base/span.h>

#define POSITION_MAX 128u	/* longest that is carried, with its terminator */

/*
 * True when a server that has applied <reached> certainly has <wanted>: same
 * source of history, same or later number.  Unsure is false.
 */
bool position_reached(const char *reached, const char *wanted);

/*
 * <position> becomes one that is behind neither itself nor <other>.  False: that cannot be
 * told or does not fit, and <position> is as it was.
 */
RMX_MUST_CHECK
bool position_advance(char position[POSITION_MAX], const char *other);

/*
 * What MySQL's <executed> (the text of gtid_executed or of a tracker's GTID set) says of <source>, a
 * server_uuid: <high> is the last it has, <low> the last before which none is missing.
 * Either is empty when there is none.  GTIDs with tags are left out.
 * Source: page "GTID Format and Storage" of MySQL's manual.
 */
void position_of_source(struct span executed, const char *source, char low[POSITION_MAX],
			char high[POSITION_MAX]);

/*
 * <high>, of position_of_source(), also covers what is being committed: <owned>, the text of
 * MySQL's gtid_owned ("uuid:5#12:6#14uuid:1#9", GTIDs with their threads).  True: there was some.
 */
bool position_add_owned(struct span owned, const char *source, char high[POSITION_MAX]);

/* A place in a binary log, not GTIDs. */
bool position_is_in_log(const char *position);

/* The two parts of a place in a log: "mysql-bin.000003" and "1542". */
void position_in_log(const char *position, struct span *file, struct span *offset);

/* Something that a client may hand over: letters, digits and "-_.:," only, and short enough. */
bool position_is_wellformed(struct span text);

#endif
