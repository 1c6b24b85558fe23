"""The interview: which question next and why, what a change of facts moves, and what would open a route.

session    `Interview`: next question, answer, skip, undo, why, done
store      sessions on disk, always whole
answers    answers in forgiving formats
wants      goals in plain words
board      what is known in an interview, and what hangs on the rest
choose     the next question, by a crowd of sampled applicants
relevance  whether an answer could still change a wanted status
network    a program's wanted part as arrays: three-valued, incremental, with what each node can still become
goals      the status of a route as a function of that network
regions    the finitely many values of a fact that the rules tell apart
formula    the network as clauses for a SAT solver, and `differs`, which says what may change a status
arithmetic whether facts have values that put derived facts where they are wanted
whatif     before and after, side by side
change     the smallest sets of changes that open a route, by `reach`
"""
