"""Hold the user's sheet of samples against the images of the cells."""

from spclust.data import sample_sheet
from spclust.data.atomic import write_table
from spclust.data.samples import read_images
from spclust.engine import logs
from spclust.io import samples

with logs.job(snakemake.log[0], snakemake.rule):
    sheet = sample_sheet.read(snakemake.input.sheet)
    images = read_images(snakemake.input.cells)
    write_table(samples.table(sheet, images), snakemake.output[0])
