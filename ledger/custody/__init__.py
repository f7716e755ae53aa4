"""What happens to lots, sites and participants: schemas of records, and the rules that accept or refuse each."""
