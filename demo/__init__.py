"""`make demo`: three supply chains from mine to refiner, with real keys over real HTTP, and what becomes of fraud."""
