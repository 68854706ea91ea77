"""Who is who, over several domains.

link_due           whoever has changed is compared
link_all           everybody is compared
link_decision      somebody decides about a pair
judgement          what a judgement would do, and making it
identity_figures   how good all this is
hospitals          written names follow the table of hospitals
import_hospitals   hospitals from a file
import_physicians  physicians from a file of the CRM
"""
