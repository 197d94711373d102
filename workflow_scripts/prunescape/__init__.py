"""Does a pruned network need its learning rate and weight decay tuned again, and what does it cost where it runs?"""
