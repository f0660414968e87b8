/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A NIC model, as an XML file says it: what it is made of, in numbers. It is read once (xml.c),
 * checked (check.c), and not changed while a NIC is one.
 *
 * uvf-personality(5) tells of each element.
 */
#ifndef UVF_NIC_MODEL_H
#define UVF_NIC_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_NAME 32
#define MODEL_BARS 6
#define MODEL_MAPS 8 /* spaces in a BAR */
#define MODEL_SPACES 16
#define MODEL_REGISTERS 2048
#define MODEL_SPACE_SIZE (1u << 20)
#define MODEL_CAPABILITIES 12
#define MODEL_CAUSES 32
#define MODEL_LAYOUTS 16
#define MODEL_RINGS 16
#define MODEL_RING_LAYOUTS 4
#define MODEL_CONDITIONS 4
#define MODEL_CASES 8
#define MODEL_CONSTANTS 4
#define MODEL_COUNTERS 32
#define MODEL_DESCRIPTOR 64 /* bytes of a descriptor, at most */
#define MODEL_RING_ENTRIES 65536u
#define MODEL_VECTORS 64

/* --- registers -------------------------------------------------------------------------------- */

/* What an access to a register sets off. */
enum model_act {
	ACT_IRQ = 1 << 0, /* causes and masks are looked at again */
	ACT_CAUSE_SET = 1 << 1, /* ones are added to the causes */
	ACT_MASK_CLEAR = 1 << 2, /* ones are taken from the mask */
	ACT_RESET = 1 << 3,
	ACT_RING = 1 << 4, /* rings are run */
	ACT_BASE = 1 << 5, /* rings begin anew */
	ACT_WINDOW = 1 << 6,
	ACT_SLOT = 1 << 7, /* a status register of a ring of slots */
};

struct model_register {
	char name[MODEL_NAME];
	unsigned int space;
	uint32_t at;
	unsigned int width; /* bytes of an element: 1, 2, 4 or 8 */
	unsigned int count; /* elements */
	uint32_t stride;
	uint64_t reset;
	uint64_t read, write; /* bits that can be */
	uint64_t clear_on_read, clear_on_one, set_on_one;
	uint64_t clear_on_write; /* by any write, whatever is written */
	uint64_t clear_with; /* reading some of these clears all of clear_on_read; 0: each itself */
	uint32_t acts;
	bool keep; /* a reset by register leaves it */
	int line;
};

struct model_space {
	char name[MODEL_NAME];
	uint32_t size;
	uint16_t *owner; /* of each byte: a register's number + 1, or 0 */
	int line;
};

/* An element of a register; reg < 0: none. */
struct model_ref {
	int reg;
	unsigned int index;
};

/* (register & mask) == value */
struct model_condition {
	struct model_ref ref;
	uint64_t mask, value;
};

struct model_conditions {
	unsigned int n;
	struct model_condition each[MODEL_CONDITIONS];
};

/* `is`, of the first condition that holds. */
struct model_case {
	struct model_condition when; /* no register: always */
	uint64_t is;
};

struct model_cases {
	unsigned int n;
	struct model_case each[MODEL_CASES];
};

/* --- the PCI function ------------------------------------------------------------------------- */

struct model_map {
	uint32_t at;
	unsigned int space;
};

struct model_bar {
	uint64_t size; /* 0: none */
	bool io, wide, prefetch;
	unsigned int maps;
	struct model_map map[MODEL_MAPS];
	int line;
};

enum model_capability_kind { CAP_PM, CAP_MSI, CAP_MSIX, CAP_RAW };

struct model_capability {
	enum model_capability_kind kind;
	uint8_t id, at, size;
	unsigned int vectors;
	unsigned int table_bar, pending_bar;
	uint32_t table_at, pending_at;
	uint8_t bytes[64], write[64]; /* CAP_RAW: behind id and next */
	int line;
};

struct model_pci {
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class;
	uint16_t status; /* bits that are always set */
	uint8_t revision, pin, min_grant, max_latency;
	unsigned int capabilities;
	struct model_capability capability[MODEL_CAPABILITIES];
	struct model_bar bar[MODEL_BARS];
};

/* --- interrupts ------------------------------------------------------------------------------- */

struct model_cause {
	char name[MODEL_NAME];
	uint64_t bits;
	unsigned int vector;
};

struct model_irq {
	struct model_ref cause, set, mask, mask_clear;
	struct model_ref throttle;
	uint64_t throttle_mask;
	unsigned int throttle_unit; /* nanoseconds */
	bool one_message; /* until all causes are cleared */
	unsigned int causes;
	struct model_cause each[MODEL_CAUSES];
};

/* --- descriptors ------------------------------------------------------------------------------ */

/* What a field of a descriptor, or of a header in front of a frame, means. */
enum model_meaning {
	FIELD_ADDRESS,
	FIELD_LENGTH,
	FIELD_ROOM, /* bytes of a buffer that is to be filled */
	FIELD_END, /* the last of a frame */
	FIELD_FIRST,
	FIELD_OWN, /* `value`: the device's */
	FIELD_WRAP, /* the last of the ring */
	FIELD_DONE, /* written when it has been */
	FIELD_REPORT, /* whether that is wanted */
	FIELD_UNICAST, /* of a received frame: for an address of the filter's */
	FIELD_MULTICAST,
	FIELD_BROADCAST,
	FIELD_HASHED, /* only the hash has let it in */
	FIELD_VLAN_INSERT,
	FIELD_VLAN_TAG,
	FIELD_VLAN_FOUND, /* of a received frame, whose tag was taken off */
	FIELD_SUM, /* one checksum is to be inserted: */
	FIELD_SUM_START, /* from this byte */
	FIELD_SUM_AT, /* at this one */
	FIELD_IP_SUM, /* by the context: that of the IP header, that of TCP or UDP */
	FIELD_L4_SUM,
	FIELD_SEGMENT, /* and the frame is cut into segments */
	FIELD_IP_START, /* of a context */
	FIELD_IP_AT,
	FIELD_IP_END,
	FIELD_L4_START,
	FIELD_L4_AT,
	FIELD_L4_END,
	FIELD_SEGMENT_SIZE,
	FIELD_HEADER_SIZE,
	FIELD_PAYLOAD_SIZE,
	FIELD_IS_TCP,
	FIELD_MEANINGS,
};

extern const char *const model_meanings[FIELD_MEANINGS];

struct model_field {
	unsigned int width; /* bits; 0: there is none */
	unsigned int bit;
	/* as it is used: (eight bytes at `byte` >> shift) & mask */
	unsigned int byte, shift;
	uint64_t mask;
	uint64_t value; /* FIELD_OWN, matches and constants */
	uint64_t add; /* to what is written, taken from what is read */
	int line;
};

struct model_layout {
	char name[MODEL_NAME];
	unsigned int size;
	bool context; /* says how those that follow are sent */
	struct model_field field[FIELD_MEANINGS];
	unsigned int matches, constants;
	struct model_field match[MODEL_CONSTANTS]; /* all have their values: it is this layout */
	struct model_field constant[MODEL_CONSTANTS]; /* written when it has been */
	int line;
};

/* --- rings ------------------------------------------------------------------------------------ */

enum model_ring_kind {
	RING_QUEUE, /* descriptors in memory from head to tail are the device's */
	RING_OWN, /* descriptors in memory that say themselves whose they are */
	RING_SLOTS, /* descriptors in registers */
	RING_BYTES, /* frames one behind the other in memory, each behind a header */
};

enum model_on { ON_DONE, ON_EMPTY, ON_FULL, ON_LOW, ON_IDLE, ON_EVENTS };

struct model_ring {
	char name[MODEL_NAME];
	enum model_ring_kind kind;
	bool in; /* the device receives */
	struct model_ref base, base_high;
	struct model_ref length; /* bytes */
	struct model_ref head, tail;
	struct model_ref address, status; /* RING_SLOTS: the first of an array each */
	struct model_cases size; /* RING_BYTES: of the ring; else of a buffer */
	struct model_cases limit; /* longest frame, without CRC */
	struct model_conditions enable;
	struct model_conditions crc; /* behind a received frame is its CRC */
	struct model_conditions linear; /* RING_BYTES: frames go beyond the end; any suffices */
	struct model_conditions strip; /* VLAN tags are taken off */
	struct model_conditions insert; /* VLAN tags are put in, where a descriptor wants that */
	struct model_cases low; /* descriptors / this: so few are left that ON_LOW is raised */
	bool skips_null; /* a buffer at address 0 is none */
	struct model_condition empty; /* bits that are set while there is nothing */
	bool has_empty;
	struct model_condition doorbell; /* a write to its register runs the ring */
	bool has_doorbell;
	unsigned int align, bias; /* RING_BYTES */
	unsigned int layouts;
	unsigned int layout[MODEL_RING_LAYOUTS];
	uint64_t cause[ON_EVENTS];
	int line;
};

/* --- filters, counters, and the rest ---------------------------------------------------------- */

enum model_hash_kind { HASH_CRC, HASH_ADDRESS };

struct model_filter {
	bool present;
	struct model_ref unicast; /* six bytes each */
	unsigned int entries;
	uint32_t step;
	uint64_t valid; /* bits of an entry's eight bytes */
	struct model_conditions unicast_when;
	struct model_ref hash;
	enum model_hash_kind hash_kind;
	unsigned int hash_bits;
	struct model_cases hash_shift;
	struct model_conditions hash_when;
	struct model_ref vlan;
	struct model_conditions vlan_when;
	/* each: any of them suffices */
	struct model_conditions promiscuous, all_unicast, all_multicast, broadcast;
	bool broadcast_always;
};

enum model_count {
	COUNT_RX_FRAMES,
	COUNT_RX_BYTES,
	COUNT_RX_OCTETS, /* with the CRC, as on the wire */
	COUNT_RX_UNICAST,
	COUNT_RX_MULTICAST,
	COUNT_RX_BROADCAST,
	COUNT_RX_FULL,
	COUNT_TX_FRAMES,
	COUNT_TX_BYTES,
	COUNT_TX_OCTETS,
	COUNT_TX_MULTICAST,
	COUNT_TX_BROADCAST,
	COUNTS,
};

extern const char *const model_counts[COUNTS];

struct model_counter {
	struct model_ref ref;
	enum model_count counts;
};

struct model {
	char name[MODEL_NAME];
	char text[128];
	struct model_pci pci;
	unsigned int spaces;
	struct model_space space[MODEL_SPACES];
	unsigned int registers;
	struct model_register *reg;
	struct model_irq irq;
	unsigned int layouts;
	struct model_layout layout[MODEL_LAYOUTS];
	unsigned int rings;
	struct model_ring ring[MODEL_RINGS];
	struct model_filter filter;
	unsigned int counters;
	struct model_counter counter[MODEL_COUNTERS];
	struct model_ref station; /* six bytes: the function's address */
	struct model_condition reset; /* of one bit or more */
	bool has_reset;
	struct model_condition link; /* as it is while the link is up */
	bool has_link;
	uint64_t link_cause;
	struct model_ref window_address, window_data;
	unsigned int window_space;
	char script[256], module[256]; /* files, or "" */
	unsigned int script_instructions, script_memory;
	int script_line, module_line;
};

/* --- complaints ------------------------------------------------------------------------------- */

#define COMPLAINTS 32

/* What is wrong with a file, each with its line. */
struct complaints {
	const char *path;
	unsigned int n; /* also of those that there was no room for */
	struct {
		int line;
		char text[200];
	} each[COMPLAINTS];
};

__attribute__((format(printf, 3, 4))) void complain(struct complaints *to, int line,
						    const char *format, ...);
/* 0 when there are none; else -EINVAL, and the first as a sentence. */
int complaints_result(const struct complaints *from);

/* --- xml.c, check.c --------------------------------------------------------------------------- */

/*
 * Reads @path, or @size bytes of @text when that is not NULL, checks it, and links it. NULL: see
 * @complaints. Not of the script's or module's: these are named only.
 */
struct model *model_read(const char *path, const char *text, unsigned long size,
			 struct complaints *complaints);
void model_free(struct model *model);

/* What the schema can't say. Complains; fills in owners of bytes, acts, and fields. */
void model_check(struct model *model, struct complaints *complaints);

int model_find_register(const struct model *model, const char *name);
int model_find_cause(const struct model *model, const char *name);
int model_find_space(const struct model *model, const char *name);

#endif /* UVF_NIC_MODEL_H */
