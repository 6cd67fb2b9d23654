"""Linear learners (being written)."""
from course_lib.linear_learners.perceptron import Perceptron, mistake_bound
from course_lib.linear_learners.linear_unit import LinearUnit
from course_lib.linear_learners.linear_regression import LinearRegression, Ridge, Lasso, ElasticNet
from course_lib.linear_learners.logistic_regression import LogisticRegression
