"""The address blocks of the simulated world, all of them reserved for documentation or tests.

People have 198.18.0.0/16, the relays of mail providers 203.0.113.0/24, the scanners of companies
192.0.2.0/24. The blocks here belong to what only other habits than the typical ones bring about.
"""

#: The office of the team itself (R04).
OWN_NETWORK = "198.51.100.200/29"
OWN_ADDRESSES = tuple(f"198.51.100.{last}" for last in range(201, 207))
#: A cloud, from which scanners come, and a few people behind their company's proxy (R13).
CLOUD_NETWORK = "198.51.100.0/25"
CLOUD_ADDRESSES = tuple(f"198.51.100.{last}" for last in range(1, 127))
#: Scanners that serve many companies from one address each; a team meets one of them (R12).
SHARED_ADDRESSES = tuple(f"198.51.100.{last}" for last in range(130, 194))
