#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds the netlink specification to the header:  netlink_spec.py SPEC HEADER

The names and values that the kernel's code generator would give to what the specification lists
(Documentation/userspace-api/netlink/c-code-gen.rst in Linux) must be those of the header, and the
header's must all be in the specification. What the kernel's schema requires of a specification
with the protocol "genetlink" is looked at as well. One sentence for the first fault.
"""
import re
import sys

import yaml

# Size of a string, its NUL included, by the define of the header
SIZES = {'pci': 'UVF_PCI_SIZE', 'tx-mirror': 'UVF_PCI_SIZE', 'redirect': 'UVF_PCI_SIZE',
         'appliance': 'UVF_APPLIANCE_SIZE'}
RANGES = {'vlan': ('UVF_VLAN_MIN', 'UVF_VLAN_MAX')}

# What each object must have, and what it may have
KEYS = {
    'specification': (['name', 'doc', 'attribute-sets', 'operations'],
                      ['protocol', 'uapi-header', 'definitions', 'mcast-groups']),
    'definition': (['type', 'name', 'doc', 'entries'], ['value-start', 'render-max']),
    'entry': (['name', 'doc'], ['value']),
    'attribute set': (['name', 'doc', 'attributes'], ['name-prefix', 'subset-of']),
    'attribute': (['name', 'doc', 'type'],
                  ['value', 'checks', 'enum', 'nested-attributes', 'multi-attr', 'display-hint']),
    'checks': ([], ['min', 'max', 'min-len', 'max-len', 'exact-len', 'flags-mask']),
    'operation': (['name', 'doc'],
                  ['attribute-set', 'do', 'dump', 'notify', 'mcgrp', 'flags', 'event', 'value']),
    'message': ([], ['request', 'reply']),
    'group': (['name'], ['flags']),
}
TYPES = {'u8', 'u16', 'u32', 'u64', 's32', 's64', 'uint', 'sint', 'flag', 'string', 'binary',
         'nest'}


class Fault(Exception):
    pass


def well_formed(kind, thing):
    need, may = KEYS[kind]
    what = f"the {kind} '{thing.get('name', '')}'"
    for key in need:
        if key not in thing:
            raise Fault(f"{what} has no '{key}'")
    for key in thing:
        if key not in need + may:
            raise Fault(f"{what}: '{key}' is not known to the kernel's schema")


def c_name(*words):
    return '_'.join(words).upper().replace('-', '_')


def number(names, start, given):
    """Values as C counts them, from those that are given."""
    values, following = {}, start
    for name in names:
        values[name] = given.get(name, following)
        following = values[name] + 1
    return values


# --- the specification: { enum's prefix: { name: value } } ---------------------------------------

def definitions(spec):
    for definition in spec.get('definitions', []):
        well_formed('definition', definition)
        given = {}
        for entry in definition['entries']:
            well_formed('entry', entry)
            if 'value' in entry:
                given[entry['name']] = entry['value']
        prefix = c_name(spec['name'], definition['name'])
        values = number([e['name'] for e in definition['entries']],
                        definition.get('value-start', 0), given)
        yield prefix, {c_name(prefix, name): value for name, value in values.items()}


def check_attribute(spec, attribute):
    what = f"the attribute '{attribute.get('name', '')}'"
    well_formed('attribute', attribute)
    well_formed('checks', attribute.get('checks', {}))
    if attribute['type'] not in TYPES:
        raise Fault(f"{what} has no type that a specification knows")
    if attribute['type'] == 'nest':
        nested = attribute.get('nested-attributes')
        if nested not in [s['name'] for s in spec['attribute-sets']]:
            raise Fault(f"{what}: there is no attribute set '{nested}'")
    enum = attribute.get('enum')
    if enum and enum not in [d['name'] for d in spec['definitions']]:
        raise Fault(f"{what}: there is no enumeration '{enum}'")


def attribute_sets(spec):
    for space in spec['attribute-sets']:
        well_formed('attribute set', space)
        for attribute in space['attributes']:
            check_attribute(spec, attribute)
        prefix = c_name(spec['name'], 'a', space['name'])
        values = number([a['name'] for a in space['attributes']], 1,
                        {a['name']: a['value'] for a in space['attributes'] if 'value' in a})
        yield prefix, {c_name(prefix, name): value for name, value in values.items()}


def check_operation(spec, operation):
    well_formed('operation', operation)
    what = f"the operation '{operation['name']}'"
    spaces = {s['name']: [a['name'] for a in s['attributes']] for s in spec['attribute-sets']}
    if 'notify' in operation:
        if operation['notify'] not in [o['name'] for o in spec['operations']['list']]:
            raise Fault(f"{what} notifies of '{operation['notify']}', which is no operation")
        if operation.get('mcgrp') not in [g['name'] for g in spec['mcast-groups']['list']]:
            raise Fault(f"{what}: there is no group '{operation.get('mcgrp')}'")
        return
    if operation.get('attribute-set') not in spaces:
        raise Fault(f"{what}: there is no attribute set '{operation.get('attribute-set')}'")
    for mode in 'do', 'dump':
        well_formed('message', operation.get(mode, {}))
        for message in operation.get(mode, {}).values():
            for name in message.get('attributes', []):
                if name not in spaces[operation['attribute-set']]:
                    raise Fault(f"{what}: there is no attribute '{name}'")


def operations(spec):
    listed = spec['operations']['list']
    for operation in listed:
        check_operation(spec, operation)
    prefix = c_name(spec['name'], 'cmd')
    values = number([o['name'] for o in listed], 1,
                    {o['name']: o['value'] for o in listed if 'value' in o})
    return prefix, {c_name(prefix, name): value for name, value in values.items()}


# --- the header ----------------------------------------------------------------------------------

def defines(text):
    found = {}
    for name, value in re.findall(r'^#define\s+(\w+)\s+(\S.*?)\s*$', text, re.M):
        found[name] = value.strip('"') if value.startswith('"') else value
    return found


def enums(text):
    """Each enumeration's names with their values; what only marks its end is left out."""
    for body in re.findall(r'\benum\s*\w*\s*{(.*?)}', text, re.S):
        values, following = {}, 0
        for item in body.split(','):
            match = re.match(r'(\w+)(?:\s*=\s*(\w+))?$', item.strip())
            if match and not match[1].startswith('__'):
                following = int(match[2], 0) if match[2] else following
                values[match[1]] = following
                following += 1
        yield values


def compare(prefix, specified, header):
    names = [n for n in header if n.startswith(prefix + '_') and n != prefix + '_MAX']
    for name, value in specified.items():
        if header.get(name) != value:
            raise Fault(f'{name} is specified as {value} and is {header.get(name)} in the header')
    for name in names:
        if name not in specified:
            raise Fault(f'{name} of the header is not in the specification')
    if list(specified) != names:
        raise Fault(f'{prefix}_* come in another order in the header')


def check_limits(spec, constants):
    for space in spec['attribute-sets']:
        for attribute in space['attributes']:
            name, checks = attribute['name'], attribute.get('checks', {})
            if name in SIZES and checks.get('max-len') != int(constants[SIZES[name]]) - 1:
                raise Fault(f"the attribute '{name}' has another max-len than {SIZES[name]} less 1")
            if name in RANGES and (checks.get('min'), checks.get('max')) != tuple(
                    int(constants[c]) for c in RANGES[name]):
                raise Fault(f"the attribute '{name}' has another range than {RANGES[name]}")


def check(spec, text):
    well_formed('specification', spec)
    if spec.get('protocol', 'genetlink') != 'genetlink':
        raise Fault("the protocol is not 'genetlink'")
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    constants = defines(text)
    header = {}
    for values in enums(text):
        header.update(values)
    if constants.get('UVF_FAMILY_NAME') != spec['name']:
        raise Fault(f"UVF_FAMILY_NAME is not '{spec['name']}'")
    groups = {c_name(spec['name'], 'mcgrp', g['name']): g['name']
              for g in spec['mcast-groups']['list']}
    for name, value in groups.items():
        if constants.get(name) != value:
            raise Fault(f"{name} is not '{value}' in the header")
    known = set()
    for prefix, values in [*definitions(spec), *attribute_sets(spec), operations(spec)]:
        compare(prefix, values, header)
        known.update(values)
    for name in header:
        if re.match('UVF_(A|CMD)_', name) and not name.endswith('_MAX') and name not in known:
            raise Fault(f'{name} of the header is not in the specification')
    check_limits(spec, constants)


def main():
    with open(sys.argv[1], encoding='utf-8') as spec, open(sys.argv[2], encoding='utf-8') as header:
        try:
            check(yaml.safe_load(spec), header.read())
        except Fault as fault:
            print(f'netlink_spec: {fault}', file=sys.stderr)
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
