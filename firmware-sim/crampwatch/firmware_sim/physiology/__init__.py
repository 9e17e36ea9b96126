"""Signal from physiology: motor units, surface potentials, electrodes and what disturbs them.

Pure functions of a seed and a time. Everything random is drawn from named, numbered sequences (`chance`), so that any
stretch of a night can be computed alone and is the same each time.
"""
