#!/usr/bin/env python3
"""Writes the mixed file of the benchmarks: make_rows.py ROWS > mixed.csv

Seven columns: int, two strings, float, RFC 3339 time, bool, JSON text. The same ROWS give the same bytes."""
import random
import sys

FIRST = ["Ada", "Grace", "Edsger", "Barbara", "Alan", "Donald", "Frances", "Niklaus"]
CITY = ["Berlin", "São Paulo", "New York, NY", "Kyōto", "Łódź", "O\"Fallon", "Zürich", "Nairobi"]


def main() -> None:
    rows = int(sys.argv[1])
    dice = random.Random(20261124)
    out = sys.stdout
    out.write("id,name,city,amount,at,active,doc\n")
    part = []
    for i in range(rows):
        city = CITY[dice.randrange(8)]
        if "," in city or '"' in city:
            city = '"' + city.replace('"', '""') + '"'
        day, second = dice.randrange(1, 29), dice.randrange(86400)
        part.append(
            f"{i},{FIRST[dice.randrange(8)]} {dice.randrange(100000)},{city},{dice.uniform(-1000, 100000):.4f},"
            f"2024-{dice.randrange(1, 13):02}-{day:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z,"
            f"{'true' if dice.random() < 0.5 else 'false'},"
            f'"{{""k"":{dice.randrange(1000)},""tags"":[""a{dice.randrange(10)}"",""b""],""ok"":true}}"\n')
        if len(part) == 10000:
            out.write("".join(part))
            part.clear()
    out.write("".join(part))


main()
