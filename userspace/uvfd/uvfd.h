/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uvfd, the one privileged process.
 *
 *	rtnetlink ──▶ model.c ──▶ steer.c     programs and maps of each uplink
 *	                │
 *	clients ──▶ session.c ──▶ serve.c ──▶ lease.c     AF_XDP sockets of leased functions
 *
 * The model is level-triggered: whatever changed, model_reconcile() compares what the kernel has
 * with what is installed, and installs the difference. Nothing is remembered that the kernel
 * could be asked for.
 */
#ifndef UVFD_H
#define UVFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <linux/if_xdp.h>
#include <uthash.h>
#include <uvf/steer.h>

#include "link.h"
#include "proto.h"
#include "rule.h"

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
extern bool verbose;

/* --- notify.c ------------------------------------------------------------------------------ */

void notify_ready(void);

/* --- steer.c: one uplink's programs and maps ------------------------------------------- */

struct steer;

struct steer_entry {
	uint32_t slot; /* given by steer_add() */
	int port; /* ifindex of the port, or of the function's netdev */
	int to; /* where its frames go: its port, or another function's */
	bool is_port; /* veth-backed: flooding and transmission are ours too */
	bool passthru; /* takes all of the uplink */
	uint8_t mac[6];
	uint16_t vlan;
};

/*
 * Opened, an uplink has its maps, those of an earlier uvfd if there are any. The programs that
 * use them are attached by steer_settle(), when the maps are full.
 */
struct steer *steer_open(int ifindex, const char *name);
void steer_close(struct steer *steer);
void steer_settle(struct steer *steer);
/* Whether any XDP program is on the uplink: when somebody else's has gone, ours may come. */
void steer_link_xdp(struct steer *steer, bool has_xdp);
/* Whether XDP steers; else frames take the slow path. */
bool steer_is_fast(const struct steer *steer);
int steer_add(struct steer *steer, struct steer_entry *entry);
void steer_remove(struct steer *steer, const struct steer_entry *entry);
/* @entry->to has changed. @all: it listens to all multicast. */
int steer_turn(struct steer *steer, const struct steer_entry *entry, bool all);
/* The uplink's own address, which no function in passthru mode is given. */
void steer_address(struct steer *steer, const uint8_t *mac);
/* Frames for @slot that come on @queue of the uplink go to the socket @xsk, once it has settled. */
int steer_direct_add(struct steer *steer, uint32_t queue, uint32_t slot, int xsk);
void steer_direct_remove(struct steer *steer, uint32_t queue);
/* What the programs would do with a frame. */
int steer_explain(struct steer *steer, const void *frame, uint32_t size,
		  struct uvf_verdict *verdict);
void steer_features(struct steer *steer, bool limits, bool mirrors);
/* A further address of the function, or a group that it listens to; and whether to all. */
void steer_filter_add(struct steer *steer, const struct steer_entry *entry, const uint8_t *mac);
void steer_filter_remove(struct steer *steer, const struct steer_entry *entry, const uint8_t *mac);
int steer_filter_all(struct steer *steer, const struct steer_entry *entry, bool all);
/* Once, where an earlier uvfd left maps: takes out what nobody wants any more. */
void steer_filter_sweep(struct steer *steer,
			bool (*wanted)(const struct steer *steer, uint32_t slot,
				       const uint8_t *mac));
void steer_counts(const struct steer *steer, uint32_t slot, struct uvf_counts *sum);

/* --- model.c: functions and uplinks ----------------------------------------------------- */

struct uplink {
	int ifindex;
	unsigned int users;
	struct steer *steer;
	bool dirty; /* its rules are to be written anew */
	UT_hash_handle hh;
};

#define FILTER_MAX 128

/* Addresses besides its own that a function receives. */
struct filter {
	bool all; /* multicast */
	unsigned int count;
	uint8_t mac[FILTER_MAX][6];
};

struct function {
	int key; /* ifindex of its port */
	int netdev;
	char name[IFNAMSIZ];
	uint8_t mac[6];
	struct uplink *uplink; /* while it is steered */
	struct steer_entry entry;
	struct lease *lease;
	int lower; /* ifindex of its uplink, steered or not */
	uint16_t vlan;
	TAILQ_HEAD(rules, rule) rules;
	uint32_t nr_rules;
	bool is_port; /* veth-backed */
	struct uvf_limit_words limits[UVF_DIRECTIONS];
	int mirror_to; /* key of the function that gets copies; 0: none */
	uint32_t mirror_flags; /* UVF_MIRROR_RX, UVF_MIRROR_TX */
	int redirect_to; /* key of the function that gets its frames; 0: itself */
	bool redirect_leased; /* until the lease of that one ends */
	int standby; /* key of the function whose appliance may take its frames; 0: none */
	bool seen;
	struct filter wants, has; /* as its netdev says, and as it is in the maps */
	bool fresh; /* steered, and its settings are not in the maps yet */
	bool refused; /* said already why it can't be steered */
	bool untold; /* steered, or no longer: see serve_tell() */
	UT_hash_handle hh;
};

int model_open(struct event_base *base);
/* @leave: programs and maps stay where they are. */
void model_close(bool leave);
/* NULL, with a sentence. */
struct function *model_find(const char *name, struct uvf_function *links);
/* Asks the kernel for what it does not announce: queues. */
void model_refresh(const char *name);
/*
 * The XDP program in driver mode on one link, as the kernel has it now; 0: none. (libbpf's
 * bpf_xdp_query_id() has all links told for that: with a thousand functions, that is the time.)
 */
uint32_t model_xdp_id(int ifindex);
struct function *model_find_netdev(int netdev);
/* NULL: there is none of this key. */
struct function *model_get(int key);
/* Its links as they were last heard of; changes nothing. */
bool model_look(const struct function *function, struct uvf_function *links);
/* The function with the smallest key greater than @after, or NULL. */
struct function *model_next(int after, struct uvf_function *links);

/* All functions, linked by hh.next; and one of them by its key, or NULL. */
struct function *model_functions(void);
struct function *model_function(int key);
/* 0, or -EOPNOTSUPP with a sentence: some program of ours sees what the function receives. */
int function_check_seen(const struct function *function);
const struct uvf_link *model_link(int ifindex);
/* ifindex of the function of uvf.ko with a PCI address; 0: there is none here. */
int model_pci(const char *pci);
/* Asks the kernel for a change of the function's link, frees @msg, and looks at what it became. */
int model_change(struct function *function, struct nl_msg *msg, const char *what);
/* The uplink that is steered by that name, or NULL with a sentence. */
struct uplink *model_uplink(const char *name);

/* What was set on its functions comes into effect. */
void uplink_settle(struct uplink *uplink);

/* --- filter.c: further addresses, and groups ------------------------------------------------- */

int filters_open(struct event_base *base, struct nl_sock *asking, struct nl_sock *hearing);
void filters_close(void);
/* Something may have changed. */
void filters_soon(void);
void filter_off(struct function *function);

/* --- sending.c: what attributes of functions of uvf.ko say ------------------------------------ */

/* As its link has them. */
void sending_read(struct function *function, const struct uvf_link *link);
int sending_limit(struct function *function, const struct uvf_limit_words *limit);
/* @to: NULL, no more copies. */
int sending_mirror(struct function *function, const struct function *to);
/* @to: NULL, it gets its frames itself. */
int sending_redirect(struct function *function, const struct function *to);

/* --- limit.c, mirror.c ---------------------------------------------------------------------- */

/* By the programs of its uplink, that is. */
bool limits_any(const struct function *function);
int limits_write(const struct function *function);
int limits_set(struct function *function, int direction, const struct uvf_limit_words *limit,
	       const struct uvf_function *links);
/* UVF_MIRROR_*, by the programs of its uplink. */
uint32_t mirrors(const struct function *function);
int mirror_write(const struct function *function);
/* @to: NULL, no more copies. */
int mirror_set(struct function *function, const struct function *to, uint32_t flags);
void mirror_forget(const struct function *gone);

/* --- redirect.c: who gets whose frames ------------------------------------------------------ */

/* @to: NULL, itself. @leased: until the lease of @to ends. */
int redirect_set(struct function *function, const struct function *to, bool leased);
/* Who holds @to may set it. */
int redirect_allow(struct function *function, const struct function *to);
/* Where the frames of one that is steered go, as far as that one can take any. */
int redirect_port(const struct function *function, int port);
/* Ports came up, or went down. */
void redirects_follow(void);
/* A function is gone, or no longer leased: nobody's frames go there for that reason. */
void redirect_forget(const struct function *gone);
void redirect_given_back(const struct function *to);
/* When it is known who holds what. */
void redirects_settle(void);

/* --- rules.c: which frames functions get besides those addressed to them ------------------ */

struct rule {
	struct uvf_rule rule;
	uint32_t id; /* for clients; rules that came later have higher ones */
	int hits; /* index of its counter, while the function is steered; -1: none */
	TAILQ_ENTRY(rule) entry;
};

/* Writes the rules of all functions that are steered on the uplink. */
int rules_commit(struct uplink *uplink);
/* All or nothing; what was done holds when they return 0. */
int rules_add(struct function *function, const char *text, uint32_t *id);
int rules_add_lines(struct function *function, char *text, uint32_t *count);
int rules_del(struct function *function, const char *text);
/* The rule with the smallest id greater than @after; of @only, or of all. */
struct rule *rules_next(struct function *only, uint32_t after, struct function **whose);
uint64_t rules_hits(const struct function *function, const struct rule *rule);
/* Adds a rule to the list alone. @id: what it was, or 0. */
int rules_put(struct function *function, const char *text, uint32_t id);
void rules_unsteer(struct function *function);
void rules_free(struct function *function);

/* --- settings.c: what was set, for the next uvfd ------------------------------------------- */

int settings_open(const char *socket_path);
void settings_load(struct function *function);
void settings_save(const struct function *function);
void settings_drop(const struct function *function);
void settings_sweep(void);

/* --- session.c: clients ------------------------------------------------------------------ */

/* Who holds the leases of a connection that is no appliance's. */
#define SESSION_ROOT "root"

#define SESSIONS_MAX 4096
#define SESSIONS_OF_USER 64

/* A file behind the frames. */
struct session_map {
	int fd;
	uint64_t at; /* in the UMEM */
	uint64_t size;
};

struct session {
	int sock;
	struct event *event;
	pid_t pid;
	uid_t uid; /* root's own connection, or one that `uvf run` made as root: 0 */
	bool is_appliance;
	bool watches; /* is told of all functions */
	char appliance[UVF_PROTO_APPLIANCE];
	unsigned int functions; /* that it may lease; 0: all of its appliance */
	char function[UVF_PROTO_FUNCTIONS][UVF_PROTO_NAME];
	int memory; /* the UMEM's memfd, or -1 */
	uint64_t memory_size;
	uint32_t frame_size;
	struct session_map map[UVF_PROTO_MAPS];
	uint32_t maps;
	uint32_t maps_expected;
	uint32_t frame_max; /* with maps: bytes written at most where a frame begins */
	uint32_t memory_request; /* number of the request that brought it */
	bool inherited; /* the memory is a dead client's */
	uint32_t linger; /* seconds that its leases outlive the client; 0: not at all */
	uint32_t busy_budget; /* frames; 0: its sockets do not poll busily */
	uint32_t memory_flags; /* UVF_MEMORY_* */
	struct event *deadline; /* while it is parked: its client is dead, and sock is -1 */
	uint32_t kept; /* the keeper's record of it, or 0 */
	LIST_HEAD(, lease) leases;
	LIST_ENTRY(session) entry;
};

int sessions_open(struct event_base *base, const char *path);
/* Ends all sessions and takes everything back; or, to @leave, as if uvfd had been killed. */
void sessions_close(bool leave);
/* With @sock, or -1: parked. Nothing is heard from it before session_listen(). */
struct session *session_new(int sock, pid_t pid);
int session_listen(struct session *session);
void session_close(struct session *session);
bool session_is_parked(const struct session *session);
/* Seconds that a parked session has yet. */
unsigned int session_left(const struct session *session);
/* The one that the last client of this appliance, on the same functions, left; or NULL. */
struct session *session_parked(const char *appliance, const char (*functions)[UVF_PROTO_NAME],
			       unsigned int count);
/* @to takes over memory and leases. @from is closed. */
void session_inherit(struct session *to, struct session *from);
/* Wakes the client up. @status: 0, look at your sockets; -ESHUTDOWN, all leases end now. */
void session_notice(struct session *session, int status);
/* All who watch. */
void sessions_tell(const struct uvf_reply *event);

/* --- appliances.c: what uvf.conf(5) says of them ---------------------------------------------- */

/* Whether users other than root may be one. */
bool appliances_have_users(void);
/* 0, or -EPERM with a sentence. */
int appliance_check_user(uid_t uid, const char *appliance);
/* 0, or -E2BIG with a sentence: it may not have so many bytes of UMEM. */
int appliance_check_memory(const char *appliance, uint64_t size);
/* Seconds that its leases outlive it; @asked, unless the operator says otherwise. */
uint32_t appliance_linger(const char *appliance, uint32_t asked);

/* --- serve.c: what clients ask ------------------------------------------------------------- */

/* Answers one request. A descriptor of @in that was taken is no longer there. 0 or -errno. */
int session_serve(struct session *session, struct uvf_incoming *in);
/* Its lease or steering has changed: tells those who watch. */
void serve_tell(const struct function *function);

/* --- serve_settings.c: what root sets on functions ----------------------------------------- */

int serve_settings(const struct session *session, const struct uvf_incoming *in,
		   struct uvf_reply *reply);

/* --- memory.c: what a client's UMEM consists of ---------------------------------------------- */

int memory_set(struct session *session, const struct uvf_request *request, int *fd);
int memory_map(struct session *session, const struct uvf_request *request, int *fd);
int memory_resume(const struct session *session, struct uvf_reply *reply, int *fd);
/* Closes all of it. */
void memory_drop(struct session *session);
void memory_inherit(struct session *to, struct session *from);
/* 0, or -EPROTO: something is missing. */
int memory_check_complete(const struct session *session);
/* Whether this kernel has metadata of frames that are sent. */
bool memory_has_tx_meta(void);
/* Makes it the UMEM of an AF_XDP socket. */
int memory_register(const struct session *session, int xsk);

/* --- source.c: one AF_XDP socket ------------------------------------------------------------ */

struct source {
	int netdev; /* where it is bound: the function's, or the uplink */
	uint32_t queue;
	int xsk;
	bool bound;
	bool zerocopy;
	bool direct; /* on the uplink */
	bool copy; /* even where zero-copy is possible */
	bool jumbo; /* frames may have several buffers */
};

/* 0, or -EOPNOTSUPP with a sentence: whether this kernel has what a UMEM of UVF_MEMORY_* takes. */
int source_check(uint32_t memory_flags);
/* Whether this kernel lets the rings of a bound socket be mapped. */
bool source_maps_bound(void);
/* Makes the socket and its rings. */
int source_make(struct source *source, const struct session *session, uint32_t ring_size);
/*
 * Binds it to the session's memory, by the registration of @other, which is bound to the same
 * netdev, or by one of its own (NULL, or where the queue takes no share). Zero-copy where that is
 * possible.
 */
int source_bind(struct source *source, const struct session *session, const struct source *other);
/* How many entries of its receive and fill rings are in use; false: this kernel does not tell. */
bool source_look(const struct source *source, uint32_t ring_size, uint32_t *rx, uint32_t *fill);
void source_close(struct source *source);

/* --- lease.c: a function in an appliance's hands ---------------------------------------- */

struct lease {
	struct session *session;
	struct function *function;
	char name[IFNAMSIZ]; /* that it was asked for by; the function may have another by now */
	int netdev;
	int program; /* descriptors of the XDP program and its map */
	int sockets;
	bool attached;
	bool bound;
	bool inherited; /* from a dead client */
	uint32_t ring_size;
	uint32_t request; /* number of the request that it was asked for by */
	uint32_t kept; /* the keeper's record of it, or 0 */
	unsigned int queues; /* of the function; the other sources are direct */
	unsigned int sources;
	struct source source[UVF_PROTO_SOURCES];
	LIST_ENTRY(lease) entry;
};

/* Makes AF_XDP sockets on the session's memory, and binds them to the function's queues. */
int lease_open(struct session *session, struct function *function, unsigned int queues,
	       uint32_t ring_size, uint32_t request);
/* An empty one. */
struct lease *lease_new(struct session *session, struct function *function);
/*
 * The rings are mapped and filled. Where the kernel wants that first, binds the sockets; sends
 * frames to those on queues of the uplink, which would have nothing to receive into before.
 */
int lease_bind(struct lease *lease);
/* On queues of the uplink. */
bool lease_has_direct(const struct lease *lease);
void lease_close(struct lease *lease);
/* Takes off what a uvfd that was killed left on a function. */
void lease_clean(int netdev);

/* --- park.c: what outlives this process ------------------------------------------------------ */

/* Connects to the keeper, or starts it. @path: of uvfd's socket. */
int park_open(const char *path);
/* Takes over what an earlier uvfd left. */
void park_adopt(void);
/* The keeper has what it needs to go on with them. */
void park_session(struct session *session);
void park_lease(struct lease *lease);
/* The keeper has no descriptor of it any more. */
void park_drop(uint32_t *kept);
/* @leave: the keeper goes on, for a successor. */
void park_close(bool leave);

/* --- direct.c: queues of an uplink in a function's hands -------------------------------- */

/* Reads what a uvfd that was killed had noted. */
void direct_open(const char *socket);
void direct_close(void);
/* Reserves, or gives back. */
int direct_request(const struct uvf_request *request, const struct function *function,
		   const struct uvf_function *links);
void direct_describe(struct uvf_reply *reply, const struct function *function);
/* Whether it has queues, or its appliance still has them. */
bool direct_is_leased(const struct function *function);
/* Adds a source for each queue that the function has reserved. */
void direct_plan(struct lease *lease);
/* Whether it may send by them; else they only receive. */
bool direct_sends(const struct function *function);
/* Its sockets are bound: its frames may come to them. And back. */
void direct_start(const struct function *function);
void direct_stop(const struct function *function);
/* The same, when it is steered; the uplink settles later. */
void direct_on(const struct function *function);
void direct_off(const struct function *function);
/* It is gone. */
void direct_forget(const struct function *function);
/* When the functions are known, and who holds them: takes back what nobody has any more. */
void direct_settle(void);

#endif /* UVFD_H */
