"""AWS as the tests meet it: a thin proxy before moto, and the limits that moto does not enforce."""
