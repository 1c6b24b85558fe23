import sys
from imgrules.rulebase.load import check_files, default_folder, read_files

def main():
    _, problems = check_files(read_files(default_folder()))
    flt = sys.argv[3:] 
    for p in problems:
        if not flt or any(f in p.file for f in flt):
            print(("warning " if p.severity == "warning" else "") + str(p))
    print(len(problems), "problems in all")
