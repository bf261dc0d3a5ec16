"""A labelled world: 90 days of reports about 20 domains with the truth of each record, to measure classes and names by.

    scene ◀─ own · vendors · mailboxes · forwarders · lists · spoofers     who sends, in which way, and what it truly is
      └─▶ traffic ─▶ lines, each with its truth ─▶ keeping ─▶ a store, and the truth beside it
                                                      └─▶ scoring ◀─ what dmarcscope says of the same records

Nothing in the store tells the truth but the evidence itself: addresses, numbers and order are drawn without regard to it. Results of SPF
and DKIM, alignment, and what DNS says today follow from one and the same zone, so that no two facts contradict each other by accident.
"""
