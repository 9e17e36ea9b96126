"""One recording: from notifications to the session file, and from there to the broker.

What a sensor sends is *journalled before it is published*. A record travels

    link -> Reception -> Recorder -> session file -> Publisher -> broker

and only what is in the session file is ever published. The file is the queue between the radio and the broker: it holds
the records and, for each sensor, the number of the last one whose publication the broker has acknowledged. Any process
may be killed at any moment:

* Killed before a batch is committed: the records of the last 0.15 s are gone, were never published, and are fetched
again
  from the sensor's ring buffer.
* Killed after the commit: a new process reads the file (:meth:`Session.resume_or_start`), rebuilds the state of each
  sensor from its records, and publishes from the last acknowledged one.
* Killed between publishing and noting it: the batch is published again, and consumers recognise samples by boot, stream
  and index, and everything else by its id or time.
"""
