/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sd_notify(3) by hand: one datagram; see notify.h. */
#include <readmux/base/clock.h>
#include <readmux/base/log.h>
#include <readmux/control/notify.h>

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An abstract name begins with '@' in the variable and with a zero byte on the wire. */
static bool socket_address(struct sockaddr_un *address, socklen_t *len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path != NULL ? strlen(path) : 0;

	if (n == 0 || n >= sizeof(address->sun_path) || (path[0] != '/' && path[0] != '@'))
		return false;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, n);
	if (path[0] == '@')
		address->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return true;
}

void notify(const char *state)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd;

	if (!socket_address(&address, &len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (const struct sockaddr *)&address, len) < 0)
		log_warn(NULL, "cannot tell the service manager",
			 LOG_TEXT("problem", strerror(errno)), LOG_TEXT("state", state));
	if (fd >= 0)
		(void)close(fd);
}

void notify_reloading(void)
{
	char state[80];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		       (unsigned long long)clock_now_us());
	notify(state);
}

uint64_t notify_watchdog_us(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (us == NULL || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
		return 0;
	return strtoull(us, NULL, 10);
}
